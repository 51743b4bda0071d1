"""Text part of a catalogue file's index: products, captions and label names."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fashionvl.data.catalogue import CatalogueReader, place_of
from fashionvl.data.index.parts import is_complete

FIELDS = ("category", "subcategory")


class FileLabels(NamedTuple):
    """One label of every row of a file.

    Attributes:
        source: the file.
        field: category or subcategory.
        names: the distinct names as written, sorted.
        code: `[N]` positions among them.
        place: how a message calls a row.
    """

    source: Path
    field: str
    names: list[str]
    code: np.ndarray
    place: Callable[[int], str] = "row {}".format


@dataclass(frozen=True)
class CatalogueText:
    """Products, captions and labels of one file, small enough to be held while photographs are scanned.

    Attributes:
        reader: of the file.
        fingerprint: of its content.
        folder: of its index, existing or not.
        product_id: `[N]` int64.
        caption_of_row: `[N]` int32, a row's caption among the distinct ones.
        captions: the distinct captions in the order of first appearance; None where an index has them.
        names: the distinct names of each label, sorted.
        codes: `[N]` int32 of each label, positions among its names.
    """

    reader: CatalogueReader
    fingerprint: str
    folder: Path
    product_id: np.ndarray
    caption_of_row: np.ndarray
    captions: list[str] | None
    names: dict[str, list[str]]
    codes: dict[str, np.ndarray]

    @classmethod
    def open(cls, reader: CatalogueReader, root: Path) -> "CatalogueText":
        """Read it from the index under `root` or, where there is none, from the file itself."""
        fingerprint = reader.fingerprint()
        folder = root / f"{reader.source.stem}-{fingerprint[:16]}"
        if not is_complete(folder, {"fingerprint": fingerprint}):
            return cls._of(reader, fingerprint, folder)
        return cls(
            reader=reader,
            fingerprint=fingerprint,
            folder=folder,
            product_id=np.load(folder / "product_id.npy"),
            caption_of_row=np.load(folder / "caption_of_row.npy"),
            captions=None,
            names=json.loads((folder / "names.json").read_text()),
            codes={field: np.load(folder / f"{field}_code.npy") for field in FIELDS},
        )

    @classmethod
    def _of(cls, reader: CatalogueReader, fingerprint: str, folder: Path) -> "CatalogueText":
        columns = reader.columns()
        captions = {caption: position for position, caption in enumerate(dict.fromkeys(columns.caption))}
        names, codes = {}, {}
        for field in FIELDS:
            unique, code = np.unique(np.array(getattr(columns, field), dtype=object), return_inverse=True)
            names[field], codes[field] = [str(name) for name in unique], code.astype(np.int32)
        return cls(
            reader=reader,
            fingerprint=fingerprint,
            folder=folder,
            product_id=columns.product_id,
            caption_of_row=np.array([captions[text] for text in columns.caption], np.int32),
            captions=list(captions),
            names=names,
            codes=codes,
        )

    @property
    def source(self) -> Path:
        """The file."""
        return self.reader.source

    @property
    def indexed(self) -> bool:
        """Return whether the texts come from an index on disk."""
        return self.captions is None

    def save(self, folder: Path) -> None:
        """Write the files that `open` reads."""
        np.save(folder / "product_id.npy", self.product_id)
        np.save(folder / "caption_of_row.npy", self.caption_of_row)
        (folder / "captions.json").write_text(json.dumps(self.captions))
        for field, code in self.codes.items():
            np.save(folder / f"{field}_code.npy", code)
        (folder / "names.json").write_text(json.dumps(self.names))

    def labels(self, field: str) -> FileLabels:
        """One label of every row."""
        place = partial(place_of, self.reader)
        return FileLabels(self.source, field, self.names[field], self.codes[field], place)
