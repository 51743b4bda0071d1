"""A table as columns of text, whatever file it was read from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fashionvl.errors import InputError


@dataclass(frozen=True, slots=True)
class RowDefect:
    """Defect that makes one row of a table unusable.

    Attributes:
        file: the table.
        line: of the file, or the number of the row where the file has no lines; both count from 1.
        column: where it was found; empty for the row as a whole.
        kind: what is wrong, the same words for all rows of which it is true.
        detail: what this row has there.
    """

    file: Path
    line: int
    column: str
    kind: str
    detail: str = ""

    def __str__(self) -> str:
        place = f", column {self.column}" if self.column else ""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.file}: line {self.line}{place}: {self.kind}{detail}"


@dataclass
class TextTable:
    """Every cell of a table as text; an absent one is empty.

    Attributes:
        path: the file.
        columns: cells by column, all of one length, in the order of the header.
        lines: line of the file on which each row begins; the row's number in a file without lines.
        defects: rows that could not be read; they are in no column.
        odd: what stands in cells that are not text, by row and column, for example a list.
        joined_cells: rows that had more cells than the header; the surplus was joined to the last column.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: list[int] = field(default_factory=list)
    defects: list[RowDefect] = field(default_factory=list)
    odd: dict[tuple[int, str], str] = field(default_factory=dict)
    joined_cells: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)

    def defect(self, row: int, column: str, kind: str, detail: str = "") -> RowDefect:
        """Describe a defect of one row."""
        return RowDefect(self.path, self.lines[row], column, kind, detail)


def plain_name(name: str) -> str:
    """Return a column's name on one line, without blanks around it."""
    return " ".join(name.split())


def header_names(path: Path, names: Sequence[str]) -> list[str]:
    """Column names, each on one line; one without a name is called by its number.

    Raises:
        InputError: two columns have one name.
    """
    found = [plain_name(name) or f"column {number}" for number, name in enumerate(names, 1)]
    for name in found:
        if found.count(name) > 1:
            raise InputError(f"{path}: {found.count(name)} columns are called {name}; give each its own name")
    return found
