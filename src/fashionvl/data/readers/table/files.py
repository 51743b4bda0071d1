"""Table files by their ending."""

from pathlib import Path

from fashionvl.data.readers.table.arrow import read_parts
from fashionvl.data.readers.table.delimited import read_delimited
from fashionvl.data.readers.table.parquet import ParquetPart
from fashionvl.data.readers.table.rows import TextTable
from fashionvl.data.readers.table.typed import read_jsonl
from fashionvl.errors import InputError

ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet")


def read_table(path: Path, delimiter: str | None = None) -> TextTable:
    """Read a table file by its ending.

    Raises:
        InputError: no reader for that ending, or the file is not what its ending says.
    """
    kind = path.suffix.lower()
    if kind not in ENDINGS:
        raise InputError(f"{path}: a table ends in {', '.join(ENDINGS)}; convert it to one of these")
    if not path.is_file():
        raise InputError(f"{path}: no such file; name the table in data.init_args.table.file")
    if kind == ".parquet":
        return read_parts([ParquetPart(path)])
    return read_jsonl(path) if kind == ".jsonl" else read_delimited(path, delimiter)
