"""JSONL and Parquet files: tables whose cells have types of their own."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fashionvl.data.readers.table.delimited import read_delimited, text_lines
from fashionvl.data.readers.table.rows import RowDefect, TextTable, header_names
from fashionvl.errors import InputError

EXACT = 2**53
"""Above this, a float no longer tells neighbouring whole numbers apart."""


def read_table(path: Path, delimiter: str | None = None) -> TextTable:
    """Read a table file by its ending.

    Raises:
        InputError: no reader for that ending, or the file is not what its ending says.
    """
    kind = path.suffix.lower()
    if kind not in READERS:
        raise InputError(f"{path}: a table ends in {', '.join(READERS)}; convert it to one of these")
    if not path.is_file():
        raise InputError(f"{path}: no such file; name the table in data.init_args.table.file")
    if kind in (".csv", ".tsv"):
        return read_delimited(path, delimiter)
    return READERS[kind](path)


def read_jsonl(path: Path) -> TextTable:
    """Read a file with one JSON object a line; absent keys, null and NaN are empty cells."""
    table = TextTable(path, {})
    for line, text in enumerate(text_lines(path), 1):
        if not text.strip():
            continue
        try:
            entry = json.loads(text)
        except (ValueError, RecursionError) as error:
            said = str(error) if isinstance(error, ValueError) else "nested too deeply"
            table.defects.append(RowDefect(path, line, "", "not JSON", said))
            continue
        if not isinstance(entry, dict):
            table.defects.append(RowDefect(path, line, "", "not a JSON object", type(entry).__name__))
            continue
        table.lines.append(line)
        for name in entry.keys() - table.columns.keys():
            table.columns[name] = [""] * (len(table) - 1)
        for name, cells in table.columns.items():
            _append(table, name, cells, entry.get(name))
    if not table.columns:
        raise InputError(f"{path}: no rows; expected one JSON object a line")
    return table


def read_parquet(path: Path) -> TextTable:
    """Read a Parquet file; null and NaN are empty cells.

    Raises:
        InputError: pyarrow is not installed, or the file is not Parquet.
    """
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise InputError(f"{path}: Parquet needs pyarrow; pip install 'fashionvl[parquet]'") from error
    try:
        content = parquet.read_table(path)
    except (OSError, ValueError, KeyError, NotImplementedError) as error:
        said = str(error).splitlines()[0]
        raise InputError(f"{path}: not a whole Parquet file ({said}); write it again") from error
    names = header_names(path, content.column_names)
    table = TextTable(path, {name: [] for name in names}, list(range(1, content.num_rows + 1)))
    for number, name in enumerate(names):
        for row, value in enumerate(content.column(number).to_pylist()):
            _append(table, name, table.columns[name], value, row)
    return table


READERS: dict[str, Callable[[Path], TextTable]] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".jsonl": read_jsonl,
    ".parquet": read_parquet,
}


def _append(table: TextTable, name: str, cells: list[str], value: Any, row: int | None = None) -> None:
    text, odd = _as_text(value)
    if odd:
        table.odd[len(table) - 1 if row is None else row, name] = odd
    cells.append(sys.intern(text))


def _as_text(value: Any) -> tuple[str, str]:
    """A cell as text, and what is wrong with it: whole numbers without a point, nothing for null and NaN."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "", ""
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return str(int(value)), ""
    if isinstance(value, bytes):
        try:
            return value.decode(), ""
        except UnicodeDecodeError:
            return "", "bytes that are not UTF-8"
    if isinstance(value, (list, dict)):
        return "", "a list" if isinstance(value, list) else "an object"
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return "", "half a character"
    return text, ""
