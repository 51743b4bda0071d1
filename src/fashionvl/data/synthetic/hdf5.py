"""The two files of one split, written row by row."""

from pathlib import Path
from types import TracebackType
from typing import Self

import h5py
import numpy as np

from fashionvl.data.synthetic.attributes import ATTRIBUTES, WORDS
from fashionvl.data.synthetic.columns import STRINGS, Entry, pose
from fashionvl.data.synthetic.ground_truth import PACKED, SIZE
from fashionvl.data.synthetic.shots import GZIP, Shot


class SplitFiles:
    """A catalogue file and its sidecar; every column is written at once, images and masks as they arrive.

    Images and masks are chunked row by row, so that reading one row decodes one chunk, and are handed over
    already compressed.
    """

    def __init__(self, catalogue: Path, sidecar: Path, entries: list[Entry]) -> None:
        rows = sum(entry.rows for entry in entries)
        self._catalogue, self._sidecar = h5py.File(catalogue, "w"), h5py.File(sidecar, "w")
        self._row = 0
        self._regions = np.full((len(ATTRIBUTES), rows, 4), -1, np.int16)
        self._images = _chunked(self._catalogue, "input_image", (rows, SIZE, SIZE, 3))
        self._masks = _chunked(self._sidecar, "foreground", (rows, PACKED))
        _write_columns(self._catalogue, entries)
        _write_attributes(self._sidecar, entries)
        _write_unnamed(self._sidecar, entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            for name, boxes in zip(ATTRIBUTES, self._regions, strict=True):
                self._sidecar[f"regions/{name}"] = boxes
        self._catalogue.close()
        self._sidecar.close()

    def append(self, shot: Shot) -> None:
        """Write the next row's image, mask and regions."""
        self._images.id.write_direct_chunk((self._row, 0, 0, 0), shot.image)
        self._masks.id.write_direct_chunk((self._row, 0), shot.foreground)
        self._regions[:, self._row] = shot.regions
        self._row += 1


def _chunked(file: h5py.File, name: str, shape: tuple[int, ...]) -> h5py.Dataset:
    return file.create_dataset(
        name,
        shape,
        np.uint8,
        chunks=(1, *shape[1:]),
        compression="gzip",
        compression_opts=GZIP,
        track_times=False,
    )


def _write_columns(file: h5py.File, entries: list[Entry]) -> None:
    views = [entry.rows for entry in entries]
    rows = sum(views)
    columns = {
        name: np.repeat([e.texts[name] for e in entries], views) for name in STRINGS if name != "input_pose"
    }
    columns["input_pose"] = np.array([pose(number) for count in views for number in range(1, count + 1)])
    columns["input_productID"] = np.repeat(np.array([entry.product_id for entry in entries], np.int32), views)
    columns["input_msrpUSD"] = np.repeat(np.array([entry.price for entry in entries], np.float32), views)
    columns["index"] = np.arange(rows)
    for name, column in columns.items():
        file.create_dataset(name, data=column.reshape(rows, 1), track_times=False)
    file.create_dataset("index_2", data=np.arange(rows), track_times=False)


def _write_unnamed(file: h5py.File, entries: list[Entry]) -> None:
    """Write which captions do not name the sub-category; nothing where all do."""
    unnamed = np.repeat([entry.caption.unnamed for entry in entries], [entry.rows for entry in entries])
    if unnamed.any():
        file.create_dataset("unnamed", data=unnamed, track_times=False)


def _write_attributes(file: h5py.File, entries: list[Entry]) -> None:
    views = [entry.rows for entry in entries]
    for name in ATTRIBUTES:
        values = list(WORDS[name])
        ids = [
            values.index(e.product.attributes[name]) if name in e.product.attributes else -1 for e in entries
        ]
        column = file.create_dataset(
            f"attributes/{name}", data=np.repeat(np.array(ids, np.int16), views), track_times=False
        )
        column.attrs["values"] = values
        column.attrs["words"] = list(WORDS[name].values())
        said = np.array([name in e.caption.mentioned for e in entries])
        file.create_dataset(f"mentioned/{name}", data=np.repeat(said, views), track_times=False)
