"""Cells into texts: columns, several columns, and templates."""

import re
import string
from collections.abc import Sequence

from fashionvl.data.readers.table.rows import TextTable
from fashionvl.errors import InputError

ABSENT = "\0"
"""Stands for a cell that means nothing until the punctuation around it has gone."""

AFTER_A_SENTENCE = re.compile(rf"(^|[.!?])(?:[\s,;:]*{ABSENT}[\s.,;:!?]*)+")
WITHIN_A_SENTENCE = re.compile(rf"[\s,;:]*{ABSENT}")


class Texts:
    """One text a row, made of one or more columns.

    Attributes:
        columns: those it reads, in order.
    """

    def __init__(self, spec: str | Sequence[str], key: str) -> None:
        """Parse what the configuration says.

        Args:
            spec: a column, a template with columns in braces, or columns that are joined by blanks.
            key: of the configuration, for messages.

        Raises:
            InputError: the template is malformed or names no column.
        """
        self._key = key
        if isinstance(spec, str) and "{" in spec:
            self._parts = _parse(spec, key)
        else:
            names = [spec] if isinstance(spec, str) else list(spec)
            self._parts = [part for name in names for part in ((" ", ""), ("", name))][1:]
        self.columns = list(dict.fromkeys(name for _, name in self._parts if name))
        if not self.columns:
            raise InputError(f"{key}: {spec!r} names no column; write {{column}}")

    def of(self, table: TextTable, missing: frozenset[str] = frozenset()) -> list[str]:
        """The text of every row, white space collapsed.

        Args:
            table: the rows.
            missing: cells that mean nothing; punctuation that would be left alone goes with them.

        Returns:
            N texts, empty where every cell is.

        Raises:
            InputError: the table has no such column.
        """
        for name in self.columns:
            check_column(table, name, self._key)
        return [self._fill(table, row, missing) for row in range(len(table))]

    def _fill(self, table: TextTable, row: int, missing: frozenset[str]) -> str:
        pieces, absent, present = [], False, False
        for literal, name in self._parts:
            cell = table.columns[name][row].replace(ABSENT, "").strip() if name else ""
            meant = bool(cell) and cell not in missing
            absent, present = absent or bool(name and not meant), present or meant
            pieces += [literal, cell if meant else ABSENT if name else ""]
        if not present:
            return ""
        text = "".join(pieces)
        if absent:
            text = WITHIN_A_SENTENCE.sub("", AFTER_A_SENTENCE.sub(r"\1 ", text))
        return " ".join(text.split())


def _parse(template: str, key: str) -> list[tuple[str, str]]:
    """Literal text and the column that follows it."""
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise InputError(
            f"{key}: {template!r} is no template ({error}); write columns in braces, and braces twice"
        ) from error
    if any(spec or conversion for _, _, spec, conversion in parsed):
        raise InputError(f"{key}: {template!r} formats a column; write the column's name alone, {{name}}")
    return [(literal, name or "") for literal, name, _, _ in parsed]


def check_column(table: TextTable, name: str, key: str) -> None:
    """Refuse a column that the table does not have.

    Raises:
        InputError: naming the columns it has.
    """
    if name not in table.columns:
        raise InputError(f"{key}: {table.path} has no column {name}; it has {', '.join(table.columns)}")
