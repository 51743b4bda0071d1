"""Readers with random access, one class a layout, all giving the records of `fashionvl.data.records`."""

from fashionvl.data.readers.mvlt_candidates import read_candidate_lists, resolve_queries
from fashionvl.data.readers.opening import (
    Layout,
    Split,
    available_splits,
    detect_layout,
    open_readers,
    open_split,
)
from fashionvl.data.readers.table import Table

__all__ = [
    "Layout",
    "Split",
    "Table",
    "available_splits",
    "detect_layout",
    "open_readers",
    "open_split",
    "read_candidate_lists",
    "resolve_queries",
]
