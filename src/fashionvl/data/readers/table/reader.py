"""One split of a table as a catalogue."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from fashionvl.data.catalogue import CatalogueColumns, ProductRecord
from fashionvl.data.readers.table.archives import Members
from fashionvl.data.readers.table.products import Products
from fashionvl.data.readers.table.rows import RowDefect
from fashionvl.errors import InputError

SAMPLED_PICTURES = 256
"""Pictures whose content a fingerprint reads."""


class TableReader:
    """Random access to the rows of one split of a table.

    Safe to hand to worker processes, forked or spawned: they get the places of the pictures and no text.

    Attributes:
        source: the table.
        defects: rows of the whole table that were left out, whichever split they belong to.
        together: `[N]` int64 sets of rows; those of one set belong in one split.
    """

    def __init__(
        self, source: Path, products: Products, defects: list[RowDefect], together: np.ndarray
    ) -> None:
        self.source, self.defects, self.together = source, defects, together
        self._products: Products | None = products
        self._members, self._lines = products.members, products.line

    def __len__(self) -> int:
        return len(self._lines)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_products": None, "defects": []}

    def columns(self) -> CatalogueColumns:
        """Every text column, as mapped."""
        return self._read_products.columns

    def attributes(self) -> dict[str, list[str]]:
        """Cells of every column of the table, as they stand there."""
        return self._read_products.attributes

    def fields(self) -> dict[str, str]:
        """Summarise every column of the table over these rows, for display."""
        found = {}
        for name, cells in self.attributes().items():
            empty = sum(not cell.strip() for cell in cells)
            found[name] = f"{len(set(cells)):,} values" + (f", {empty:,} empty" if empty else "")
        return found

    def line(self, row: int) -> int:
        """The line of the table that one row begins on."""
        return int(self._lines[row])

    def record(self, row: int) -> ProductRecord:
        """The labels and the caption of one row."""
        columns = self.columns()
        return ProductRecord(
            row,
            int(columns.product_id[row]),
            columns.image_name[row],
            columns.caption[row],
            columns.category[row],
            columns.subcategory[row],
        )

    def image(self, row: int) -> np.ndarray:
        """The photograph of one row: `[H, W, 3]` uint8 RGB.

        Raises:
            IndexError: there is no such row.
            InputError: it cannot be read or decoded; the message names the table's line, too.
        """
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        try:
            return self._members.picture(row)
        except InputError as error:
            raise InputError(f"{self.source}: line {self.line(row)}: {error}") from error

    def fingerprint(self) -> str:
        """A content hash that is the same wherever table and pictures lie, in a folder, a zip or a tar.

        Covers every text as mapped, and of every picture its name in the table and the size of its file; of
        `SAMPLED_PICTURES`, spread evenly, the content.
        """
        digest = hashlib.sha256()
        columns = self.columns()
        digest.update(columns.product_id.astype("<i8").tobytes())
        for texts in (columns.image_name, columns.caption, columns.category, columns.subcategory):
            digest.update("\0".join(texts).encode(errors="surrogateescape") + b"\n")
        digest.update(picture_mark(self._members).encode())
        return digest.hexdigest()

    @property
    def _read_products(self) -> Products:
        if self._products is None:
            raise RuntimeError("the texts of a table stay in the process that read it")
        return self._products


def picture_mark(members: Members) -> str:
    """A hash of the sizes of all pictures and of the content of some, whatever they are packed in."""
    digest = hashlib.sha256(members.size.astype("<i8").tobytes())
    for row in np.unique(np.linspace(0, len(members) - 1, SAMPLED_PICTURES).astype(int)):
        if len(members):
            try:
                digest.update(members.read(int(row)))
            except InputError:
                digest.update(b"unreadable")
    return digest.hexdigest()
