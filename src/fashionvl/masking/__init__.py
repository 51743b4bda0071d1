"""Which pixels and tokens are hidden: pure functions of shape, spec and generator."""
