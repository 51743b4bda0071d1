"""The folder layout of the released MVLT code: a PNG and a pickle for every row of Fashion-Gen.

Layout and keys: `mcloader/fashion_gen.py` of the released code.
"""

import hashlib
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fashionvl.data.catalogue import CatalogueColumns, ProductRecord
from fashionvl.data.readers.encoding import decode
from fashionvl.data.readers.fields import as_label, as_number, as_text, shown
from fashionvl.data.readers.fingerprint import hash_samples
from fashionvl.data.readers.pictures import read_picture
from fashionvl.data.readers.safe_pickle import load_plain
from fashionvl.errors import InputError

RELEASED_SPLIT = {"train": "train", "validation": "valid"}

KEYS = ("product_id", "img_name", "captions", "super_cls_name", "sub_cls_name")
"""Keys read from the dictionary of a row."""

SAMPLED_FILES = 256
"""Rows whose photograph and pickle a fingerprint reads."""


def split_folders(root: Path, split: Literal["train", "validation"]) -> tuple[Path, Path]:
    """Folders of a split's photographs and of its pickles."""
    released = RELEASED_SPLIT[split]
    return root / f"extracted_{released}_images", root / f"full_{released}_info_PAI"


def parse_entry(entry: Any, row: int, where: str) -> ProductRecord:
    """Turn one released dictionary into a record.

    Bytes are decoded, keys included; a category or sub-category that is None or NaN is empty.

    Args:
        entry: what the pickle held.
        row: row to write into the record.
        where: how messages name the entry.

    Raises:
        InputError: it is not a dictionary, a key is missing, the product id is not a number, or a field
            that is to be text is not.
    """
    if not isinstance(entry, dict):
        raise InputError(f"{where}: holds a {type(entry).__name__}, expected a dictionary with img_name ...")
    entry = {decode(key).text if isinstance(key, bytes) else key: value for key, value in entry.items()}
    missing = [key for key in KEYS if key not in entry]
    if missing:
        keys = ", ".join(key if isinstance(key, str) else shown(key) for key in entry) or "none"
        raise InputError(f"{where}: no key {', '.join(missing)}; it has {keys}")
    return ProductRecord(
        row=row,
        product_id=as_number(entry["product_id"], where, "product_id"),
        image_name=as_text(entry["img_name"], where, "img_name"),
        caption=as_text(entry["captions"], where, "captions"),
        category=as_label(entry["super_cls_name"], where, "super_cls_name"),
        subcategory=as_label(entry["sub_cls_name"], where, "sub_cls_name"),
    )


class MVLTFolderReader:
    """Random access to one split in the folder layout of the released MVLT code.

    Photographs and pickles are paired in the order of their sorted names, as released, and each pair is
    checked.

    Attributes:
        source: the folder of photographs.

    Raises:
        InputError: a folder is missing or empty, or there are not as many photographs as pickles.
    """

    def __init__(self, root: Path | str, split: Literal["train", "validation"]) -> None:
        self.source, self._info = split_folders(Path(root), split)
        self._image_names = _listing(self.source, ".png")
        self._info_names = _listing(self._info, "")
        if len(self._image_names) != len(self._info_names):
            raise InputError(
                f"{self.source}: {len(self._image_names)} photographs, but {self._info} holds "
                f"{len(self._info_names)} pickles; each row needs one of both"
            )
        self._columns: CatalogueColumns | None = None

    def __len__(self) -> int:
        return len(self._image_names)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_columns": None}

    def columns(self) -> CatalogueColumns:
        """Read every pickle once and keep the result.

        Raises:
            InputError: a pickle is damaged, refused, incomplete, or belongs to another photograph.
        """
        if self._columns is None:
            records = [self.record(row) for row in range(len(self))]
            self._columns = CatalogueColumns(
                product_id=np.array([record.product_id for record in records], np.int64),
                image_name=[record.image_name for record in records],
                caption=[record.caption for record in records],
                category=[record.category for record in records],
                subcategory=[record.subcategory for record in records],
            )
        return self._columns

    def record(self, row: int) -> ProductRecord:
        """The labels and the caption of one row."""
        info, image = self._info / self._info_names[row], self._image_names[row]
        record = parse_entry(load_plain(info), row, str(info))
        if record.image_name != image:
            raise InputError(f"{info}: describes {record.image_name}, but its place is beside {image}")
        return record

    def image(self, row: int) -> np.ndarray:
        """The photograph of one row: `[H, W, 3]` uint8 RGB.

        Raises:
            InputError: the file is not a whole image.
        """
        return read_picture(self.source / self._image_names[row])

    def fingerprint(self) -> str:
        """A content hash that is the same on every machine holding the same files.

        Covers every name and size, and the content of 256 rows spread evenly.
        """
        digest = hashlib.sha256()
        for folder, names in ((self.source, self._image_names), (self._info, self._info_names)):
            for name in names:
                digest.update(f"{folder.name}/{name} {(folder / name).stat().st_size}\n".encode())
            for row in np.unique(np.linspace(0, len(names) - 1, SAMPLED_FILES).astype(int)):
                hash_samples(digest, folder / names[row])
        return digest.hexdigest()


def _listing(folder: Path, suffix: str) -> list[str]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; the MVLT layout keeps its files there")
    try:
        names = sorted(
            path.name for path in folder.iterdir() if path.name.endswith(suffix) and path.name[0] != "."
        )
    except PermissionError as error:
        raise InputError(f"{folder}: permission denied; make the folder readable") from error
    if not names:
        raise InputError(f"{folder}: holds no {suffix or 'pickle'} files")
    return names
