"""A table of products (CSV, TSV, JSONL, Parquet) and its pictures in folders, zips or tars."""

from fashionvl.data.readers.table.hugging_face import is_saved
from fashionvl.data.readers.table.opening import default_cache, open_table
from fashionvl.data.readers.table.parquet import shards_in
from fashionvl.data.readers.table.presets import recognised
from fashionvl.data.readers.table.reader import TableReader
from fashionvl.data.readers.table.request import Table
from fashionvl.data.readers.table.settings import tables_in

__all__ = [
    "Table",
    "TableReader",
    "default_cache",
    "is_saved",
    "open_table",
    "recognised",
    "shards_in",
    "tables_in",
]
