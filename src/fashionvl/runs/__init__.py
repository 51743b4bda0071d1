"""The run folder: layout, claim, writing and reading; no torch, no Lightning."""
