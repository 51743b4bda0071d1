"""Neural networks: they know tensors, not files, losses or Lightning."""
