"""Losses with their typed specs, one file a family."""
