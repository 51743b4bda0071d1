"""The other systems of the papers' tables, one file each."""
