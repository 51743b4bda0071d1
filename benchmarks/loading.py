"""Loading at scale: several processes on one file, storage that is cold or far away, and shards.

    python -m benchmarks.loading

Pairs a second of the DataModule's own training loader by layout, storage and number of loading processes.
`cold` asks the system to forget the files before every round (`posix_fadvise`); what a disk or a host keeps
itself stays. `1 ms` and `10 ms` are simulated: each request sleeps so long, and for its bytes at 1 GB/s.
"""

import argparse
import copy
import gc
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.catalogue import (
    IMAGE_SIZE,
    PRETRAINING,
    catalogue,
    compressed_catalogue,
    data_module,
    train_loader,
)
from benchmarks.machine import facts
from benchmarks.record import RESULTS, load, save
from benchmarks.setting import Setting
from benchmarks.shards import Distant, ShardStream, Storage, write_shards
from benchmarks.works.loader import one_thread
from fashionvl.data import FashionGenDataModule
from fashionvl.data.batches.loaders import fetching_loader
from fashionvl.data.catalogue import CatalogueReader
from fashionvl.data.index.catalogue import PixelStore

STORAGES: dict[str, Storage | None] = {
    "warm": None,
    "cold": None,
    "1 ms": Storage(0.001),
    "10 ms": Storage(0.010),
}
WORKERS = {"tiny": (0, 2), "full": (0, 1, 2, 4, 8)}
ROUNDS = {"tiny": 1, "full": 2}
BATCH = {"tiny": 4, "full": 16}
SHARDS = {"tiny": 2, "full": 8}
"""As many as the most processes, since a shard is read by one; the most latency that shards can suffer."""

PHOTOGRAPH = 3 * IMAGE_SIZE**2

Group = tuple[str, int]
"""Storage and number of processes: what layouts are compared at."""


@dataclass(frozen=True)
class Layout:
    """One way of keeping the photographs.

    Attributes:
        name: `hdf5`, `mapped`, `gzip`, `stored` or `shards`.
        data: its DataModule.
        files: that hold the photographs.
        loader: makes the training loader, for a storage and a number of processes.
        storages: at which it is measured.
    """

    name: str
    data: FashionGenDataModule
    files: list[Path]
    loader: Callable[[Storage | None, int], Iterable[Any]]
    storages: tuple[str, ...]


class Layouts:
    """Every layout of one catalogue."""

    def __init__(self, setting: Setting) -> None:
        self._setting, self._batch = setting, BATCH[setting.size]

    @cached_property
    def all(self) -> list[Layout]:
        """`hdf5` first: the others are compared with it."""
        near = ("warm", "cold")
        # Not simulated: a mapped read is as many requests as the system makes of it, a gzip chunk is one of
        # a seventh of the size.
        return [
            self._file("hdf5", tuple(STORAGES), mapped=False),
            self._file("mapped", near, mapped=True),
            self._file("gzip", near, root=compressed_catalogue(self._setting)),
            self._file("stored", tuple(STORAGES), store_images=True, mapped=False),
            self._shards(),
        ]

    def _file(self, name: str, storages: tuple[str, ...], **options: Any) -> Layout:
        data = data_module(self._setting, self._batch, **options)
        source = data.train_source
        files = [source.pixels.path if source.pixels else source.reader.source]

        def loader(storage: Storage | None, workers: int) -> Iterable[Any]:
            # A copy opens the file anew: pages that stay mapped into this process would never be cold.
            reader, pixels = copy.deepcopy(source.reader), source.pixels
            if storage:
                reader = cast(CatalogueReader, Distant(reader, storage, PHOTOGRAPH))
                pixels = pixels and cast(PixelStore, Distant(pixels, storage, PHOTOGRAPH))
            data.num_workers, data.train_source = workers, replace(source, reader=reader, pixels=pixels)
            try:
                return train_loader(data)
            finally:
                data.train_source = source

        return Layout(name, data, files, loader, storages)

    def _shards(self) -> Layout:
        data, size = data_module(self._setting, self._batch, mapped=False), self._setting.size
        folder = catalogue(self._setting).with_name(f"shards-{len(data.train_rows)}-{SHARDS[size]}")
        shards = write_shards(data.train_source.reader, data.train_rows, folder, SHARDS[size])
        pairs = data.pairs("train", PRETRAINING, seed=0)

        def loader(storage: Storage | None, workers: int) -> Iterable[Any]:
            stream = ShardStream(pairs, shards, self._batch, storage)
            return fetching_loader(stream, workers, data.prefetch, batch_size=None)

        return Layout("shards", data, shards, loader, tuple(STORAGES))


def pace(loader: Iterable[Any], workers: int, seconds: float, endless: bool) -> float:
    """Pairs a second, once every process has delivered its first batch.

    Args:
        loader: an epoch each time it is iterated.
        workers: processes of it; 0: this one.
        seconds: to measure; ends sooner with the epoch unless it is `endless`.
        endless: go on with another epoch.

    Raises:
        ValueError: an epoch has no batch beyond the first of each process.
    """
    pairs, spent = 0, 0.0
    while True:
        counted, took = _epoch(iter(loader), workers, seconds - spent)
        pairs, spent = pairs + counted, spent + took
        if not counted:
            raise ValueError(f"an epoch has no batch beyond the first of {workers} processes")
        if not endless or spent >= seconds:
            return pairs / spent


def _epoch(batches: Iterator[Any], workers: int, seconds: float) -> tuple[int, float]:
    for _ in range(workers):
        next(batches, None)
    began, pairs = time.perf_counter(), 0
    for number, batch in enumerate(batches, start=1):
        pairs += len(batch)
        # In whole rounds over the processes: they deliver in turn, in bursts.
        if number % max(workers, 1) == 0 and time.perf_counter() - began > seconds:
            break
    return pairs, time.perf_counter() - began


def forget(files: list[Path]) -> None:
    """Let the system's page cache drop some files; what a process still maps would stay."""
    gc.collect()
    for path in files:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)


def measure(layouts: list[Layout], group: Group, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """The points of one storage and one number of processes; layouts take turns."""
    storage, workers = group
    chosen = [layout for layout in layouts if storage in layout.storages]
    found: dict[str, list[float]] = {layout.name: [] for layout in chosen}
    for _ in range(rounds):
        for layout in chosen:
            loader = layout.loader(STORAGES[storage], workers)
            if storage == "cold":
                forget(layout.files)
            found[layout.name].append(pace(loader, workers, seconds, endless=storage != "cold"))
    first = found[chosen[0].name]
    return [
        {
            "layout": name,
            "storage": storage,
            "workers": workers,
            "pairs_per_s": statistics.median(paces),
            "ratio_to_hdf5": statistics.median(one / other for one, other in zip(paces, first, strict=True)),
        }
        for name, paces in found.items()
    ]


def main(arguments: list[str] | None = None) -> int:
    """Measure what the file of results does not hold yet; it is written after each group of points."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.loading", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    parser.add_argument("--seconds", type=float, default=0.6, help="of each layout and round")
    parser.add_argument("--scratch", type=Path, default=Path("data/benchmarks"))
    parser.add_argument("--out", type=Path, default=RESULTS / "loading.json")
    parser.add_argument("--anew", action="store_true", help="measure again what the file already holds")
    given = parser.parse_args(arguments)
    if given.seconds <= 0:
        parser.error(f"--seconds: {given.seconds:g} is no time to measure in; give more than 0")
    _fill(given, Setting(torch.device("cpu"), given.size, given.scratch))
    return 0


def _fill(given: argparse.Namespace, setting: Setting) -> None:
    about = facts(
        f"python -m benchmarks.loading --size {given.size} --seconds {given.seconds:g}", setting.device
    )
    last = {} if given.anew else load(given.out)
    same = all(last.get(key) == about[key] for key in ("command", "machine"))
    points: list[dict[str, Any]] = last.get("points", []) if same else []
    done = {(point["storage"], point["workers"]) for point in points}
    storages = [name for name in STORAGES if name != "cold" or hasattr(os, "posix_fadvise")]
    groups = [(name, n) for name in storages for n in WORKERS[given.size] if (name, n) not in done]
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress, one_thread():
        bar = progress.add_task("laying the photographs out", total=len(groups))
        layouts = Layouts(setting).all if groups else []
        for group in groups:
            progress.update(bar, description=f"{group[0]}, {group[1]} processes")
            points += measure(layouts, group, ROUNDS[given.size], given.seconds)
            save(given.out, about, batch_size=BATCH[given.size], points=points)
            progress.advance(bar)


if __name__ == "__main__":
    sys.exit(main())
