"""Lightning's side of a run: recording, resuming, cost, Weights & Biases."""
