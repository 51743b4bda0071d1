"""Kaleido patches: where they lie, how they are cut, which of them a region covers. No torch here."""
