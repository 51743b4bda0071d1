"""What `benchmarks.scaling` measures with and `benchmarks.prediction` reckons with."""
