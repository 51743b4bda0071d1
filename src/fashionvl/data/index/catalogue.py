"""The sidecar index: data derived from a catalogue file once, and reused by every run.

One folder a source file, named by the file's fingerprint: product ids, label codes, foreground boxes, and, on
demand, tokenised captions and resized photographs. Each part is a folder written whole or not at all.
"""

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from transformers import PreTrainedTokenizerFast

from fashionvl.data.catalogue import CatalogueReader
from fashionvl.data.index.parts import is_complete, write_manifest
from fashionvl.data.index.scan import scan_images
from fashionvl.data.index.text import CatalogueText
from fashionvl.data.text.encoding import encode_captions, tokenizer_fingerprint
from fashionvl.errors import InputError
from fashionvl.files.whole import whole_folder, written_whole

log = logging.getLogger(__name__)


class PaddedCaptions(NamedTuple):
    """B captions padded to one length.

    Attributes:
        ids: `[B, L]` int64.
        attention: `[B, L]` bool, True on a caption's own tokens. It follows from the captions' lengths: the
            id that pads may also occur inside a caption.
    """

    ids: np.ndarray
    attention: np.ndarray


@dataclass(frozen=True)
class CaptionStore:
    """Tokenised captions of every row between their begin and end marks, untruncated.

    Attributes:
        ids: all token ids, one unique caption after the other.
        offsets: where each unique caption starts, and the end of the last.
        caption_of_row: `[N]` which unique caption a row carries.
    """

    ids: np.ndarray
    offsets: np.ndarray
    caption_of_row: np.ndarray

    def tokens(self, row: int, length: int) -> np.ndarray:
        """Return at most `length` ids of a row's caption; a longer one is cut before its end mark."""
        caption = self.caption_of_row[row]
        ids = self.ids[self.offsets[caption] : self.offsets[caption + 1]]
        return ids if len(ids) <= length else np.append(ids[: length - 1], ids[-1])

    def batch(self, rows: np.ndarray, length: int, pad_id: int, shorten: bool = False) -> PaddedCaptions:
        """The captions of several rows, each as `tokens` gives it, in one gather.

        Args:
            rows: `[B]`.
            length: of every caption, padding included.
            pad_id: what shorter captions are padded with.
            shorten: pad to the longest of the batch instead.
        """
        captions = self.caption_of_row[rows]
        starts, ends = self.offsets[captions], self.offsets[captions + 1]
        lengths = np.minimum(ends - starts, length)
        column = np.arange(lengths.max() if shorten else length)
        there = column < lengths[:, None]
        place = starts[:, None] + column
        cut = np.flatnonzero(ends - starts > length)
        # Where a caption is cut, the last column is that of `length`.
        place[cut, -1] = ends[cut] - 1
        ids = np.full(there.shape, pad_id, np.int64)
        ids[there] = self.ids[place[there]]
        return PaddedCaptions(ids, there)


class PixelStore:
    """Resized photographs of every row in one flat file, read with `pread`.

    A memory map would count every page it ever touched towards the process's memory; this does not.
    """

    def __init__(self, path: Path, rows: int, size: int) -> None:
        self.path, self.rows, self.size = path, rows, size
        self._file: tuple[int, int] | None = None

    def read(self, row: int) -> np.ndarray:
        """`[size, size, 3]` uint8."""
        return self.batch([row])[0]

    def batch(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """`[B, size, size, 3]` uint8, read where they are to lie."""
        if self._file is None or self._file[0] != os.getpid():
            self._file = (os.getpid(), os.open(self.path, os.O_RDONLY))
        pictures = np.empty((len(rows), self.size, self.size, 3), np.uint8)
        length = self.size * self.size * 3
        for picture, row in zip(pictures, rows, strict=True):
            if os.preadv(self._file[1], [picture.data], int(row) * length) != length:
                raise InputError(f"{self.path}: cut short before row {row}; delete the folder it lies in")
        return pictures

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}


class CatalogueIndex:
    """The index of one catalogue file, built on first use.

    Attributes:
        product_id: `[N]` int64.
        category_names: the distinct main categories of this file, sorted.
        category_code: `[N]` positions among them.
        subcategory_names: likewise for sub-categories.
        subcategory_code: likewise.
        caption_of_row: `[N]` int32, each row's caption among the unique captions.
        boxes: `[N, 4]` int16, the foreground as x0, y0, x1, y1 with exclusive ends, in pixels.
    """

    def __init__(
        self,
        reader: CatalogueReader,
        root: Path,
        workers: int = 0,
        image_size: int | None = None,
        crop: bool = True,
        text: CatalogueText | None = None,
    ) -> None:
        """Open the index under `root`, or build it.

        Args:
            reader: the source.
            root: folder that holds indexes.
            workers: processes that scan the photographs; 0 scans in this one.
            image_size: also keep every photograph, resized to this many pixels.
            crop: keep it cropped to its foreground.
            text: of the file, as `CatalogueText.open` gave it for this root; None opens it.
        """
        self.reader = reader
        text = text or CatalogueText.open(reader, root)
        self.fingerprint, self.folder = text.fingerprint, text.folder
        self._workers = workers
        if not is_complete(self.folder, {"fingerprint": self.fingerprint}):
            self._build(text, image_size, crop)
        self.product_id, self.caption_of_row = text.product_id, text.caption_of_row
        self.category_names, self.subcategory_names = text.names["category"], text.names["subcategory"]
        self.category_code, self.subcategory_code = text.codes["category"], text.codes["subcategory"]
        self.boxes = np.load(self.folder / "boxes.npy")

    def __len__(self) -> int:
        return len(self.product_id)

    @cached_property
    def frames(self) -> np.ndarray:
        """Width and height `[N, 2]` int64 of every photograph in pixels."""
        path = self.folder / "frames.npy"
        if not path.exists():
            log.info("%s: an index of an earlier version; measuring its photographs", self.folder)
            found = [self.reader.image(row).shape[1::-1] for row in range(len(self))]
            with written_whole(path) as file:
                np.save(file, np.array(found, np.int16))
        return np.load(path).astype(np.int64)

    def unique_captions(self) -> list[str]:
        """Every distinct caption, in the order of first appearance."""
        return list(json.loads((self.folder / "captions.json").read_text()))

    def captions(self, tokenizer: PreTrainedTokenizerFast) -> CaptionStore:
        """The captions under one tokenizer; tokenised on first use."""
        mark = tokenizer_fingerprint(tokenizer)
        folder = self.folder / f"tokens-{mark[:16]}"
        if not is_complete(folder, {"tokenizer": mark}):
            with whole_folder(folder) as scratch:
                ids, offsets = encode_captions(tokenizer, self.unique_captions())
                np.save(scratch / "ids.npy", ids)
                np.save(scratch / "offsets.npy", offsets)
                write_manifest(scratch, {"tokenizer": mark})
        # A plain view of the map: the type `np.memmap` costs more a row than the reading.
        ids = np.load(folder / "ids.npy", mmap_mode="r").view(np.ndarray)
        return CaptionStore(ids, np.load(folder / "offsets.npy"), self.caption_of_row)

    def images(self, size: int, crop: bool = True) -> PixelStore:
        """Photographs resized to `size`, cropped to their foreground or whole; stored on first use."""
        folder = self._image_folder(self.folder, size, crop)
        if not is_complete(folder, {"size": size}):
            with whole_folder(folder) as scratch:
                scan_images(self.reader, scratch / "pixels.bin", size, self._workers, crop)
                write_manifest(scratch, {"size": size})
        return PixelStore(folder / "pixels.bin", len(self), size)

    @staticmethod
    def _image_folder(folder: Path, size: int, crop: bool = True) -> Path:
        return folder / (f"images-{size}" if crop else f"frames-{size}")

    def _build(self, text: CatalogueText, image_size: int | None, crop: bool) -> None:
        log.info("indexing %s", self.reader.source)
        with whole_folder(self.folder) as scratch:
            text.save(scratch)
            pixels = None
            if image_size:
                folder = self._image_folder(scratch, image_size, crop)
                folder.mkdir()
                pixels = folder / "pixels.bin"
            scan = scan_images(self.reader, pixels, image_size, self._workers, crop)
            np.save(scratch / "boxes.npy", scan.boxes)
            np.save(scratch / "frames.npy", scan.frames)
            if image_size:
                write_manifest(self._image_folder(scratch, image_size, crop), {"size": image_size})
            write_manifest(scratch, {"fingerprint": self.fingerprint})
