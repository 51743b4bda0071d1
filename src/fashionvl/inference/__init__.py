"""Using a trained model: load, prepare inputs, score."""
