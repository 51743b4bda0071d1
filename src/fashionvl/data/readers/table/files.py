"""Table files by their ending."""

from collections.abc import Sequence
from pathlib import Path

from fashionvl.data.readers.table.delimited import read_delimited
from fashionvl.data.readers.table.parquet import read_parquet
from fashionvl.data.readers.table.rows import TextTable
from fashionvl.data.readers.table.typed import read_jsonl
from fashionvl.errors import InputError

ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet")


def read_table(path: Path, delimiter: str | None = None) -> TextTable:
    """Read a table file by its ending.

    Raises:
        InputError: no reader for that ending, or the file is not what its ending says.
    """
    return read_tables([path], delimiter)


def read_tables(paths: Sequence[Path], delimiter: str | None = None) -> TextTable:
    """Read one table file by its ending, or several Parquet files as one.

    Raises:
        InputError: as `read_table`.
    """
    path = paths[0]
    kind = path.suffix.lower()
    if kind not in ENDINGS:
        raise InputError(f"{path}: a table ends in {', '.join(ENDINGS)}; convert it to one of these")
    if not path.is_file():
        raise InputError(f"{path}: no such file; name the table in data.init_args.table.file")
    if len(paths) > 1 and any(other.suffix.lower() != ".parquet" for other in paths):
        raise InputError(f"{path}: only Parquet files are read as one; name one file in table.file")
    if kind == ".parquet":
        return read_parquet(paths)
    return read_jsonl(path) if kind == ".jsonl" else read_delimited(path, delimiter)
