"""Photographs in tar files read from end to end (the WebDataset layout), to measure what they are worth.

Of a benchmark only. Everything but reading is the DataModule's: captions, pairing, masks, crop, resize.
"""

import copy
import io
import json
import random
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import IterableDataset, get_worker_info

from fashionvl.data.batches.pairs import PairDataset
from fashionvl.data.catalogue import CatalogueColumns, CatalogueReader
from fashionvl.data.records import PairBatch
from fashionvl.files.whole import whole_folder

SHUFFLED = 64
"""Photographs in a worker's shuffle buffer, 12.6 MB."""

READ_AT_ONCE = 2**20


@dataclass(frozen=True)
class Storage:
    """Storage at a distance, simulated by sleeping.

    Attributes:
        latency: seconds until the first byte of a request.
        bandwidth: bytes a second after that, for each process.
    """

    latency: float
    bandwidth: float = 1e9

    def wait(self, size: int, request: bool = True) -> None:
        """Let pass what `size` bytes take, with or without a request of their own."""
        time.sleep(self.latency * request + size / self.bandwidth)


class Distant:
    """A reader or a store of photographs, one request each."""

    def __init__(self, near: Any, storage: Storage, size: int) -> None:
        self._near, self._storage, self._size = near, storage, size

    def image(self, row: int) -> np.ndarray:
        """Read one photograph, as `CatalogueReader.image`."""
        self._storage.wait(self._size)
        return np.asarray(self._near.image(row))

    def batch(self, rows: np.ndarray) -> np.ndarray:
        """Read several photographs row after row, as `PixelStore.batch`."""
        for _ in rows:
            self._storage.wait(self._size)
        return np.asarray(self._near.batch(rows))


class InHand:
    """A reader of the photographs that a stream holds at the moment.

    Attributes:
        images: `[H, W, 3]` uint8 by row.
    """

    def __init__(self, reader: CatalogueReader) -> None:
        self._reader, self.source = reader, reader.source
        self.images: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._reader)

    def columns(self) -> CatalogueColumns:
        """Read the columns of the whole file."""
        return self._reader.columns()

    def fingerprint(self) -> str:
        """Return the fingerprint of the whole file."""
        return self._reader.fingerprint()

    def image(self, row: int) -> np.ndarray:
        """`[H, W, 3]` uint8.

        Raises:
            KeyError: it is not in hand.
        """
        return self.images[row]


def write_shards(reader: CatalogueReader, rows: np.ndarray, folder: Path, count: int) -> list[Path]:
    """Write photographs, in random order and evenly over `count` tar files, unless they are there.

    Each sample is `ROW.npy`, the photograph as it is stored, and `ROW.json`. Nothing is compressed, so that
    reading is all that is compared.
    """
    if not folder.exists():
        order = np.random.default_rng(0).permutation(rows)
        with whole_folder(folder) as scratch:
            for number, part in enumerate(np.array_split(order, count)):
                with tarfile.open(scratch / f"{number:06d}.tar", "w") as tar:
                    for row in part.tolist():
                        _add(tar, f"{row:08d}.npy", _as_npy(reader.image(row)))
                        _add(tar, f"{row:08d}.json", json.dumps({"row": row}).encode())
    return sorted(folder.glob("*.tar"))


def read_shard(path: Path, storage: Storage | None = None) -> Iterator[tuple[int, np.ndarray]]:
    """The rows and photographs of a shard, from its beginning to its end."""
    if storage:
        storage.wait(0)
    with path.open("rb", READ_AT_ONCE) as file, tarfile.open(fileobj=file, mode="r:") as tar:
        image = np.empty(0, np.uint8)
        for member in tar:
            if storage:
                storage.wait(member.size, request=False)
            content = tar.extractfile(member)
            if content is None:
                continue
            if member.name.endswith(".npy"):
                image = np.load(io.BytesIO(content.read()))
            else:
                yield int(json.loads(content.read())["row"]), image


class ShardStream(IterableDataset[PairBatch]):
    """Batches of pairs from shards: shards in random order, photographs shuffled within a buffer."""

    def __init__(
        self, pairs: PairDataset, shards: list[Path], batch_size: int, storage: Storage | None = None
    ) -> None:
        """Stream the pairs of some rows.

        Args:
            pairs: does everything but reading photographs.
            shards: hold the photographs of its rows; there are at least as many as loading processes.
            batch_size: pairs.
            storage: simulated; None: as it is.
        """
        self._shards, self._batch_size, self._storage = shards, batch_size, storage
        self._in_hand = InHand(pairs.source.reader)
        self._pairs = copy.copy(pairs)
        self._pairs.source = replace(pairs.source, reader=self._in_hand, pixels=None)
        self._position = {int(row): position for position, row in enumerate(pairs.rows)}

    def __iter__(self) -> Iterator[PairBatch]:
        worker = get_worker_info()
        place, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        order = random.Random(0).sample(self._shards, len(self._shards))[place::workers]
        samples = (sample for path in order for sample in read_shard(path, self._storage))
        batch: dict[int, np.ndarray] = {}
        for row, image in shuffled(samples, SHUFFLED, self._batch_size):
            batch[row] = image
            if len(batch) == self._batch_size:
                yield self._fetch(batch)
                batch = {}
        if batch:
            yield self._fetch(batch)

    def _fetch(self, images: dict[int, np.ndarray]) -> PairBatch:
        self._in_hand.images = images
        return self._pairs.__getitems__([(0, self._position[row]) for row in images])


def shuffled(samples: Iterator[Any], size: int, initial: int) -> Iterator[Any]:
    """Shuffle within a buffer that starts to give at `initial` samples and grows to `size` meanwhile."""
    rng, held = random.Random(0), []
    for sample in samples:
        held.append(sample)
        if len(held) < size:
            held.extend(item for item in (next(samples, None),) if item is not None)
        if len(held) >= initial:
            yield held.pop(rng.randrange(len(held)))
    rng.shuffle(held)
    yield from held


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _as_npy(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, image)
    return file.getvalue()
