"""Fashion-Gen as its publisher ships it: one HDF5 file a split."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import h5py
import numpy as np

from fashionvl.data.catalogue import CatalogueColumns, ProductRecord
from fashionvl.data.readers.encoding import FALLBACK, decode
from fashionvl.data.readers.fingerprint import hash_samples
from fashionvl.data.readers.hdf5 import ProcessLocalFile, find_dataset, readable_name, sound
from fashionvl.data.readers.heaps import check_heaps
from fashionvl.errors import InputError

log = logging.getLogger(__name__)

IMAGES = "input_image"
PRODUCTS = "input_productID"
CaptionField = Literal["input_description", "input_concat_description"]

ROWS_AT_ONCE = 16_384
"""Rows of a text dataset in memory at a time; a whole caption column is mostly padding."""

MOST_INFLATED = 1032
"""Most bytes that deflate makes of one (zlib Technical Details, "Maximum Compression Factor")."""


@dataclass(frozen=True, slots=True)
class TextColumn:
    """One text dataset.

    Attributes:
        values: N strings.
        not_utf8: rows whose bytes are not UTF-8 and were read as ISO-8859-9.
    """

    values: list[str]
    not_utf8: list[int]


class FashionGenReader:
    """Random access to one Fashion-Gen HDF5 file (schema: the publisher's, Rostamzadeh et al. 2018).

    Safe to hand to worker processes, forked or spawned: each opens the file for itself.

    Attributes:
        source: the file.
        caption_field: the dataset that captions are read from.

    Raises:
        InputError: the file is missing, truncated or not HDF5, or one of its datasets is missing, of an
            unexpected type or shape, or of another length than the images.
    """

    def __init__(
        self, path: Path | str, caption_field: CaptionField = "input_description", mapped: bool = True
    ) -> None:
        """Open a file.

        Args:
            path: of the file.
            caption_field: which dataset captions are read from.
            mapped: read photographs through a memory map where they lie uncompressed and in one piece.
        """
        self.source = Path(path)
        self.caption_field = caption_field
        self._file = ProcessLocalFile(self.source, mapped)
        with sound(self.source, "its table of datasets"):
            self._rows = _checked_length(self._file.get(), self.source, self.text_fields())

    def text_fields(self) -> dict[str, str]:
        """The dataset behind each text column of `CatalogueColumns`."""
        return {
            "image_name": "input_name",
            "caption": self.caption_field,
            "category": "input_category",
            "subcategory": "input_subcategory",
        }

    def __len__(self) -> int:
        return self._rows

    def fields(self) -> dict[str, str]:
        """Every dataset of the file with its shape and type, for display; no groups, no dead links."""
        file = self._file.get()
        with sound(self.source, "its table of datasets"):
            found = {name: file.get(name) for name in file}
            return {
                readable_name(name): f"{entry.shape} {entry.dtype}"
                for name, entry in found.items()
                if isinstance(entry, h5py.Dataset)
            }

    def columns(self) -> CatalogueColumns:
        """Read every text column once; rows that are not UTF-8 are counted in the log."""
        texts = {}
        for name, field in self.text_fields().items():
            column = self.text_column(field)
            texts[name] = column.values
            if column.not_utf8:
                count = len(column.not_utf8)
                log.warning(
                    "%s: %d rows of %s are not UTF-8; read as %s", self.source, count, field, FALLBACK
                )
        return CatalogueColumns(product_id=self._product_ids(), **texts)

    def text_column(self, field: str) -> TextColumn:
        """Read and decode one text dataset; equal strings are one object."""
        decoded: dict[bytes, tuple[str, bool]] = {}
        values: list[str] = []
        not_utf8: list[int] = []
        for start in range(0, len(self), ROWS_AT_ONCE):
            for raw in self._read(field, start, min(start + ROWS_AT_ONCE, len(self))).ravel().tolist():
                if raw not in decoded:
                    decoded[raw] = decode(raw)
                text, utf8 = decoded[raw]
                if not utf8:
                    not_utf8.append(len(values))
                values.append(text)
        return TextColumn(values, not_utf8)

    def record(self, row: int) -> ProductRecord:
        """The labels and the caption of one row."""
        self._check_row(row)
        texts = {}
        for name, field in self.text_fields().items():
            texts[name] = decode(bytes(self._read(field, row, row + 1).ravel()[0])).text
        return ProductRecord(row=row, product_id=int(self._read(PRODUCTS, row, row + 1).ravel()[0]), **texts)

    def image(self, row: int) -> np.ndarray:
        """The photograph of one row: `[H, W, 3]` uint8 RGB, not to be written to.

        Raises:
            IndexError: there is no such row.
            InputError: the file is damaged there.
        """
        self._check_row(row)
        with sound(self.source, f"{IMAGES} in row {row}"):
            image: np.ndarray = self._file.rows(IMAGES)[row]
        return image

    def fingerprint(self) -> str:
        """A content hash that is the same on every machine holding the same file.

        Covers the size, the shape and type of every dataset, all product ids, and 256 blocks of 16 KiB
        spread over the file: seconds on 50 GB, and everything on files up to 4 MiB. An edit that keeps the
        size and misses every block goes unseen.
        """
        digest = hashlib.sha256()
        for name, what in sorted(self.fields().items()):
            digest.update(f"{name} {what}\n".encode())
        digest.update(self._product_ids().astype("<i8").tobytes())
        hash_samples(digest, self.source)
        return digest.hexdigest()

    def _product_ids(self) -> np.ndarray:
        found = self._read(PRODUCTS, 0, len(self)).reshape(-1)
        if found.dtype.kind == "u" and found.max() > np.iinfo(np.int64).max:
            raise InputError(f"{self.source}: {PRODUCTS} goes up to {found.max()}, expected at most 2^63 - 1")
        return found.astype(np.int64)

    def _read(self, field: str, start: int, stop: int) -> np.ndarray:
        with sound(self.source, f"{field} in rows {start}..{stop - 1}"):
            values: np.ndarray = self._file.get()[field][start:stop]
        return values

    def _check_row(self, row: int) -> None:
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")


def _checked_length(file: h5py.File, path: Path, text_fields: dict[str, str]) -> int:
    """Number of rows, once every dataset that will be read has been found sound."""
    names = (IMAGES, PRODUCTS, *text_fields.values())
    found = {name: dataset for name in names if (dataset := find_dataset(file, name)) is not None}
    missing = [name for name in names if name not in found]
    if missing:
        present = ", ".join(sorted(map(readable_name, file))) or "nothing"
        raise InputError(f"{path}: no dataset {', '.join(missing)}; the file holds {present}")
    images = found.pop(IMAGES)
    shape: tuple[int, ...] = images.shape or ()
    if len(shape) != 4 or shape[3] != 3 or images.dtype != np.uint8:
        raise InputError(f"{path}: {IMAGES} is {images.shape} {images.dtype}, expected (N, H, W, 3) uint8")
    if not all(shape):
        what = "pixels" if shape[0] else "rows"
        raise InputError(f"{path}: {IMAGES} is {shape}: it has no {what}; expected at least one")
    for name, dataset in found.items():
        _check_column(name, dataset, path, int(shape[0]))
    for name, dataset in {IMAGES: images, **found}.items():
        if dataset.nbytes > MOST_INFLATED * path.stat().st_size:
            size = f"{path.stat().st_size:,} bytes"
            raise InputError(
                f"{path}: {name} is {dataset.shape} {dataset.dtype}, but all is {size}; copy it again"
            )
    check_heaps(path, found.values(), images)
    return int(shape[0])


def _check_column(name: str, dataset: h5py.Dataset, path: Path, rows: int) -> None:
    """Refuse a column of another type than integers (the products) or byte strings, or another length."""
    dtype = dataset.dtype
    if name == PRODUCTS and dtype.kind not in "iu":
        raise InputError(f"{path}: {PRODUCTS} is {dtype}, expected integers")
    if name != PRODUCTS and dtype.kind != "S" and h5py.check_string_dtype(dtype) is None:
        raise InputError(f"{path}: {name} is {dtype}, expected byte strings")
    if dataset.shape not in ((rows,), (rows, 1)):
        raise InputError(
            f"{path}: {name} is {dataset.shape}, expected ({rows}, 1) as {IMAGES} has {rows} rows"
        )
