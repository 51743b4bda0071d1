"""Parts of `benchmarks.scaling`: process groups, the training step, and its timing."""
