"""`docs/performance.md`, written from the files in `benchmarks/results/`: `python -m benchmarks.page`."""
