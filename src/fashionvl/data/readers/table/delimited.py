"""CSV and TSV files, with the rows that plain parsers break on."""

import csv
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from fashionvl.data.readers.encoding import FALLBACK, decode
from fashionvl.data.readers.table.rows import RowDefect, TextTable, header_names
from fashionvl.errors import InputError

log = logging.getLogger(__name__)

DELIMITERS = (",", ";", "\t", "|")
"""Characters that may separate the cells of a `.csv`, the likelier first."""

SEPARATOR_LINE = re.compile(r"sep=(.)\s*")
"""Line that spreadsheets write before the header to name the delimiter."""

BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def read_delimited(path: Path, delimiter: str | None = None) -> TextTable:
    """Read a table of delimited text (RFC 4180), more lenient in three ways.

    A row with more cells than the header has delimiters inside an unquoted text: the surplus is joined to
    the last column and the row listed in `joined_cells`. Quotation marks that do not pair stand for
    themselves. Bytes that are not UTF-8 are read as ISO-8859-9.

    Args:
        path: of the file.
        delimiter: one character; None takes the one the header has most of, a tab in a `.tsv`.

    Raises:
        InputError: the file has no header, or two columns have one name.
    """
    lines = text_lines(path)
    said = SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    if said:
        delimiter, lines[0] = delimiter or said[1], ""
    if delimiter is None:
        delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter_of(lines)
    records = (
        (line, cells) for line, cells in _records(path, lines, delimiter) if any(map(str.strip, cells))
    )
    _, header = next(records, (0, []))
    if not header:
        raise InputError(f"{path}: empty; the first line names the columns")
    names = header_names(path, header)
    table = TextTable(path, {name: [] for name in names})
    columns = list(table.columns.values())
    for line, cells in records:
        if len(cells) < len(columns):
            kind = "fewer cells than columns"
            table.defects.append(RowDefect(path, line, "", kind, f"{len(cells)} of {len(columns)}"))
            continue
        if len(cells) > len(columns):
            table.joined_cells.append(len(table))
            cells = [*cells[: len(columns) - 1], delimiter.join(cells[len(columns) - 1 :])]  # noqa: PLW2901
        table.lines.append(line)
        for column, cell in zip(columns, cells, strict=True):
            column.append(sys.intern(cell))
    return table


def text_lines(path: Path) -> list[str]:
    """The lines of a text file with their ends; those that are not UTF-8 are counted in the log."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected a table") from error
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            data = data[len(mark) :].decode(encoding, errors="replace").encode()
            break
    decoded = [decode(line) for line in data.splitlines(keepends=True)]
    others = [number for number, line in enumerate(decoded, 1) if not line.utf8]
    if others:
        log.warning(
            "%s: %d lines are not UTF-8, line %d first; read as %s", path, len(others), others[0], FALLBACK
        )
    return [line.text for line in decoded]


def _delimiter_of(lines: list[str]) -> str:
    header = next((line for line in lines if line.strip()), "")
    return max(DELIMITERS, key=header.count)


def _records(path: Path, lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of every record."""
    unpaired: list[int] = []
    limit = csv.field_size_limit(sys.maxsize)
    try:
        position = 0
        while position < len(lines):
            start = position
            reader = csv.reader(
                (lines[line] for line in range(start, len(lines))), delimiter=delimiter, strict=True
            )
            try:
                for cells in reader:
                    yield position + 1, cells
                    position = start + reader.line_num
            except csv.Error:
                unpaired.append(position + 1)
                yield position + 1, lines[position].rstrip("\r\n").split(delimiter)
                position += 1
    finally:
        csv.field_size_limit(limit)
    if unpaired:
        log.warning(
            "%s: quotation marks do not pair on %d lines, line %d first; read as they stand",
            path, len(unpaired), unpaired[0],
        )  # fmt: skip
