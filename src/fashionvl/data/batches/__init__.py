"""Pairs of photograph and caption as batches."""
