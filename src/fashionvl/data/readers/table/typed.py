"""JSONL files, and cells that have types of their own."""

import json
import math
import sys
from pathlib import Path
from typing import Any

from fashionvl.data.readers.table.delimited import text_lines
from fashionvl.data.readers.table.rows import RowDefect, TextTable, plain_name
from fashionvl.errors import InputError

EXACT = 2**53
"""Above this, a float no longer tells neighbouring whole numbers apart."""


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
        entry = {plain_name(name): value for name, value in entry.items()}
        for name in entry.keys() - table.columns.keys():
            table.columns[name] = [""] * (len(table) - 1)
        for name, cells in table.columns.items():
            append_cell(table, name, cells, entry.get(name), len(table) - 1)
    if not table.columns:
        raise InputError(f"{path}: no rows; expected one JSON object a line")
    return table


def append_cell(table: TextTable, name: str, cells: list[str], value: Any, row: int) -> None:
    """Append a value to a column as text, and note where it is none."""
    text, odd = _as_text(value)
    if odd:
        table.odd[row, name] = odd
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
