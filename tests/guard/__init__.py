"""Numbers that refactoring must not move."""
