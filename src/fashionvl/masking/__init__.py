"""Masks of pixels and tokens: pure functions of shape, spec and generator."""
