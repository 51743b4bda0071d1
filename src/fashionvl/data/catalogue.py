"""The common form of catalogue files: text columns, and photographs by row."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np

Split = Literal["train", "validation"]
"""The two files of a catalogue."""


SPLITS: tuple[Split, ...] = ("train", "validation")


@dataclass(frozen=True, slots=True)
class ProductRecord:
    """One row of a catalogue file: one photograph of a product, with the product's caption and labels."""

    row: int
    product_id: int
    image_name: str
    caption: str
    category: str
    subcategory: str


@dataclass(frozen=True, slots=True)
class CatalogueColumns:
    """The text columns of every row, aligned; images stay in the file.

    Attributes:
        product_id: `[N]` int64.
        image_name: N names, as the publisher wrote them.
        caption: N captions.
        category: N main-category names.
        subcategory: N sub-category names.
    """

    product_id: np.ndarray
    image_name: list[str]
    caption: list[str]
    category: list[str]
    subcategory: list[str]

    def __len__(self) -> int:
        return len(self.caption)


class CatalogueReader(Protocol):
    """Random access to one split of a catalogue; safe to pickle into worker processes."""

    source: Path

    def __len__(self) -> int:
        """Number of rows."""

    def columns(self) -> CatalogueColumns:
        """Read every text column once, without touching an image."""

    def image(self, row: int) -> np.ndarray:
        """The RGB photograph of one row: `[H, W, 3]` uint8."""

    def fingerprint(self) -> str:
        """A content hash that is the same on every machine holding the same data."""


@runtime_checkable
class TableRows(Protocol):
    """Lines and sets of rows, which only a table's reader knows.

    Attributes:
        together: `[N]` int64 sets of rows; those of one set belong in one split.
    """

    together: np.ndarray

    def line(self, row: int) -> int:
        """The line of the table that one row begins on."""


def place_of(reader: object, row: int) -> str:
    """A row in messages: `line 8` of a table, otherwise `row 6`."""
    return f"line {reader.line(row)}" if isinstance(reader, TableRows) else f"row {row}"


@dataclass(frozen=True)
class Piece:
    """Rows of one file that are worked through together.

    Attributes:
        split: the file.
        rows: `[R]` int64, ascending.
    """

    split: Split
    rows: np.ndarray
