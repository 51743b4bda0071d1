"""The rows of a table as products, and which of them cannot be used."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fashionvl.data.catalogue import CatalogueColumns
from fashionvl.data.readers.table.archives import Members
from fashionvl.data.readers.table.finding import PictureFinder
from fashionvl.data.readers.table.rows import RowDefect, TextTable
from fashionvl.data.readers.table.settings import KEY, Settings
from fashionvl.data.readers.table.texts import Texts, check_column
from fashionvl.errors import InputError

log = logging.getLogger(__name__)

PRODUCT_BITS = 63


@dataclass
class Products:
    """N usable rows of a table.

    Attributes:
        columns: what a catalogue knows of each.
        members: their pictures, in the same order.
        line: `[N]` int64 lines of the table.
        split: what the split column says; None where the split is to be drawn.
        group: near-duplicate group, empty for none; None without such a column.
        attributes: cells of every column of the table.
    """

    columns: CatalogueColumns
    members: Members
    line: np.ndarray
    split: list[str] | None
    group: list[str] | None
    attributes: dict[str, list[str]]

    def take(self, rows: np.ndarray) -> "Products":
        """Some of the rows `[M]`, in their order."""

        def of(values: list[str]) -> list[str]:
            return [values[row] for row in rows]

        columns = self.columns
        return Products(
            CatalogueColumns(
                columns.product_id[rows],
                of(columns.image_name),
                of(columns.caption),
                of(columns.category),
                of(columns.subcategory),
            ),
            self.members.take(rows),
            self.line[rows],
            of(self.split) if self.split is not None else None,
            of(self.group) if self.group is not None else None,
            {name: of(cells) for name, cells in self.attributes.items()},
        )


def read_products(table: TextTable, members: Members, settings: Settings) -> tuple[Products, list[RowDefect]]:
    """Map a table's columns and find its pictures.

    Args:
        table: all columns, joined.
        members: all pictures.
        settings: the mapping.

    Returns:
        The rows that can be used, and what is wrong with each of the others.

    Raises:
        InputError: a column that was named is not there.
    """
    wanted, missing = settings.table, frozenset(settings.table.missing or ())
    captions = Texts(wanted.caption or "", f"{KEY}.caption")
    images = Texts(wanted.image or "", f"{KEY}.image")
    caption, image = captions.of(table, missing), images.of(table)
    labels = {
        field: _column(table, field, getattr(wanted, field), missing)
        for field in ("category", "subcategory", "product_id", "split", "group")
    }
    empty = [""] * len(table)
    category = labels["category"] or empty
    bad: dict[int, RowDefect] = {}

    def refuse(row: int, column: str, kind: str, detail: str = "") -> None:
        bad.setdefault(row, table.defect(row, column, kind, detail))

    _refuse_surplus(table, captions, refuse)
    mapped = {*captions.columns, *images.columns, *_named(wanted)}
    for (row, column), odd in table.odd.items():
        if column in mapped:
            refuse(row, column, "not a text", odd)
    finder, found = PictureFinder(members), np.full(len(table), -1)
    for row in range(len(table)):
        if not caption[row]:
            refuse(row, captions.columns[0], "no caption")
        if labels["product_id"] and not labels["product_id"][row]:
            refuse(row, wanted.product_id or "product_id", "no product number")
        found[row], problem = finder.find(image[row]) if image[row] else (-1, "no picture named")
        if problem:
            refuse(row, images.columns[0], problem, image[row])
    products = Products(
        CatalogueColumns(
            product_numbers(labels["product_id"] or [str(line) for line in table.lines]),
            image, caption, category, labels["subcategory"] or category,
        ),
        members.take(np.maximum(found, 0)) if len(members) else members,
        np.array(table.lines, np.int64), labels["split"], labels["group"], table.columns,
    )  # fmt: skip
    good = np.array([row for row in range(len(table)) if row not in bad], np.int64)
    return products.take(good), [*table.defects, *bad.values()]


def _named(wanted: object) -> set[str]:
    fields = ("category", "subcategory", "product_id", "split", "group")
    return {getattr(wanted, field) or field for field in fields}


def _column(table: TextTable, field: str, name: str | None, missing: frozenset[str]) -> list[str] | None:
    """Cells without blanks around them; None where no column was named and none has the field's name."""
    if name is None and field not in table.columns:
        return None
    check_column(table, name or field, f"{KEY}.{field}")
    cells = (cell.strip() for cell in table.columns[name or field])
    return ["" if cell in missing else cell for cell in cells]


def _refuse_surplus(table: TextTable, captions: Texts, refuse: Callable[..., None]) -> None:
    """Admit rows with too many cells only where the last column is a text that may have swallowed them."""
    last = list(table.columns)[-1]
    if last not in captions.columns:
        for row in table.joined_cells:
            refuse(row, "", "more cells than columns", "quote texts that hold the delimiter")
    elif table.joined_cells:
        log.warning(
            "%s: %d rows have more cells than columns, line %d first; the surplus was joined to %s",
            table.path, len(table.joined_cells), table.lines[table.joined_cells[0]], last,
        )  # fmt: skip


def product_numbers(ids: Sequence[str]) -> np.ndarray:
    """Product ids as numbers: themselves where all are whole numbers in one way of writing, else hashes.

    Args:
        ids: N texts.

    Returns:
        `[N]` int64, equal exactly where the texts are.
    """
    plain = {text for text in ids if text}
    if all(_is_number(text) for text in plain):
        return np.array([int(text or -1) for text in ids], np.int64)
    number = {
        text: int.from_bytes(hashlib.sha256(text.encode(errors="surrogateescape")).digest()[:8], "big")
        >> (64 - PRODUCT_BITS)
        for text in plain
    }
    if len(set(number.values())) < len(plain):
        raise InputError(f"{KEY}.product_id: two ids have one hash; use whole numbers")
    return np.array([number.get(text, -1) for text in ids], np.int64)


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 19 and str(int(text)) == text


def settle_defects(defects: list[RowDefect], settings: Settings, rows: int) -> None:
    """Refuse a table's defects, or count them in the log.

    Raises:
        InputError: naming the first, unless rows with defects are to be left out; or nothing is left.
    """
    counts = Counter(defect.kind for defect in defects)
    first = {defect.kind: defect for defect in reversed(defects)}
    if defects and not settings.skips:
        more = f" and {len(defects) - 1} more rows with defects" if len(defects) > 1 else ""
        raise InputError(
            f"{min(defects, key=lambda d: d.line)}{more}; correct it, or set {KEY}.on_defect to skip"
        )
    for kind, count in counts.items():
        log.warning("%s: %d rows left out: %s; first %s", settings.file, count, kind, first[kind])
    if not rows:
        raise InputError(f"{settings.file}: no row can be used; run `fashionvl data inspect` on it")
