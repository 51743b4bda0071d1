"""Columns of further tables beside those of the first."""

from collections.abc import Sequence

from fashionvl.data.readers.table.rows import TextTable
from fashionvl.data.readers.table.texts import check_column
from fashionvl.errors import InputError


def join(table: TextTable, others: Sequence[TextTable], on: str, key: str) -> TextTable:
    """Append the columns of further tables, row by row of the first.

    A column whose name is taken is called `FILE.NAME`. A row of the first that another table lacks, or has
    with too many cells, becomes a defect.

    Args:
        table: the first; its order stays.
        others: the further ones.
        on: the column that all share.
        key: of the configuration, for messages.

    Raises:
        InputError: a table has no such column, or has one value of it twice.
    """
    for other in others:
        check_column(table, on, key)
        check_column(other, on, key)
        row_of: dict[str, int] = {}
        for row, value in enumerate(other.columns[on]):
            if value in row_of:
                raise InputError(
                    f"{other.path}: lines {other.lines[row_of[value]]} and {other.lines[row]} both have {on} "
                    f"{value}; a joined table has one row of each"
                )
            row_of[value] = row
        for row in other.joined_cells:
            row_of.pop(other.columns[on][row], None)
        table = _joined(table, other, on, row_of)
    return table


def _joined(table: TextTable, other: TextTable, on: str, row_of: dict[str, int]) -> TextTable:
    values = table.columns[on]
    kept = [row for row, value in enumerate(values) if value in row_of]
    lost = set(range(len(table))).difference(kept)
    kind = f"no usable row in {other.path.name}"
    defects = [table.defect(row, on, kind, values[row]) for row in sorted(lost)]
    place = {row: new for new, row in enumerate(kept)}
    columns = {name: [cells[row] for row in kept] for name, cells in table.columns.items()}
    odd = {(place[row], name): what for (row, name), what in table.odd.items() if row in place}
    there = [row_of[values[row]] for row in kept]
    for name, cells in other.columns.items():
        if name == on:
            continue
        new_name = f"{other.path.stem}.{name}" if name in columns else name
        columns[new_name] = [cells[row] for row in there]
        odd |= {
            (new, new_name): other.odd[row, name] for new, row in enumerate(there) if (row, name) in other.odd
        }
    return TextTable(
        table.path, columns, [table.lines[row] for row in kept], [*table.defects, *defects], odd,
        [place[row] for row in table.joined_cells if row in place],
    )  # fmt: skip
