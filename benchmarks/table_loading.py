"""Loading from a table and its JPEGs: a copy resized once, and decoding whenever a photograph is needed.

    python -m benchmarks.table_loading
    python -m benchmarks.table_loading --table /data/shop --out shop.json

Pairs that the DataModule's own training loader delivers on one core, without a worker, with every file in the
page cache. The synthetic catalogue is written as a table and a zip of JPEGs, unless another table is named.
"""

import argparse
import csv
import io
import statistics
import sys
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from rich.console import Console

from benchmarks.catalogue import PRODUCTS, compressed_catalogue, data_module, train_loader
from benchmarks.machine import facts
from benchmarks.record import RESULTS, save
from benchmarks.setting import Setting
from benchmarks.works.loader import one_thread
from fashionvl.data import FashionGenDataModule
from fashionvl.data.catalogue import SPLITS
from fashionvl.data.readers.fashion_gen import FashionGenReader
from fashionvl.files.whole import whole_folder

SIZES = {"tiny": (16,), "full": (256, 64)}
"""Pixels: the papers' setting and laptop scale."""

BATCH = {"tiny": 4, "full": 150}
ROUNDS = {"tiny": 1, "full": 5}
QUALITY = 90
"""Quality of the JPEGs, as shops publish them."""

WAYS = {"stored": True, "decoded": False}
"""Ways to load, by `data.init_args.store_images`."""

LEAST = 5000.0
"""Target of pairs a second and core from the stored copy."""

COLUMNS = ("image", "caption", "category", "subcategory", "product_id", "split")


def table_catalogue(setting: Setting) -> Path:
    """The synthetic catalogue as `products.csv` and a zip of JPEGs, 256 px a side."""
    folder = setting.scratch / f"table-{PRODUCTS[setting.size]}"
    if not folder.exists():
        source = compressed_catalogue(setting)
        with (
            whole_folder(folder) as scratch,
            zipfile.ZipFile(scratch / "images.zip", "w") as pictures,
            (scratch / "products.csv").open("w", newline="", encoding="utf-8") as table,
        ):
            writer = csv.writer(table)
            writer.writerow(COLUMNS)
            for split in SPLITS:
                reader = FashionGenReader(source / f"fashiongen_256_256_{split}.h5")
                for row in range(len(reader)):
                    record, name = reader.record(row), f"{split}-{row:06d}.jpg"
                    writer.writerow(
                        [name, record.caption, record.category, record.subcategory, record.product_id, split]
                    )
                    pictures.writestr(name, _jpeg(reader, row))
    return folder


def _jpeg(reader: FashionGenReader, row: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(reader.image(row)).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def paces(loader: Iterable[Any], seconds: float) -> tuple[float, float]:
    """Pairs a second of the clock and of this process's CPU time, after the first batch.

    Args:
        loader: an epoch each time it is iterated, loading in this process.
        seconds: to measure, at least one batch.
    """
    pairs = 0
    batches = _endless(loader)
    next(batches)
    clock, spent = time.perf_counter(), time.process_time()
    while not pairs or time.perf_counter() - clock < seconds:
        pairs += len(next(batches))
    return pairs / (time.perf_counter() - clock), pairs / (time.process_time() - spent)


def _endless(loader: Iterable[Any]) -> Any:
    while True:
        yield from loader


def measure(setting: Setting, root: Path, size: int) -> list[dict[str, Any]]:
    """The points of one image size; the ways take turns."""
    modules = {way: module_of(setting, root, size, stored) for way, stored in WAYS.items()}
    loaders = {way: train_loader(module) for way, module in modules.items()}
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for _ in range(ROUNDS[setting.size]):
        for way, loader in loaders.items():
            found[way].append(paces(loader, setting.seconds))
    return [_point(way, size, rounds) for way, rounds in found.items()]


def module_of(setting: Setting, root: Path, size: int, stored: bool) -> FashionGenDataModule:
    """A DataModule of a table; its index lies in the scratch folder."""
    index = setting.scratch / f"index-{root.name}"
    batch = BATCH[setting.size]
    return data_module(setting, batch, root, image_size=size, store_images=stored, index_dir=str(index))


def _point(way: str, size: int, rounds: list[tuple[float, float]]) -> dict[str, Any]:
    clock, core = ([one[kind] for one in rounds] for kind in (0, 1))
    point: dict[str, Any] = {
        "way": way,
        "image_size": size,
        "pairs_per_s": statistics.median(clock),
        "pairs_per_cpu_s": statistics.median(core),
        "pairs_per_cpu_s_min": min(core),
        "pairs_per_cpu_s_max": max(core),
    }
    if way == "stored":
        point |= {"target": LEAST, "met": point["pairs_per_cpu_s"] >= LEAST}
    return point


def main(arguments: list[str] | None = None) -> int:
    """Measure every size; the file of results is written at the end."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.table_loading", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each way and round")
    parser.add_argument("--scratch", type=Path, default=Path("data/benchmarks"))
    parser.add_argument("--table", type=Path, help="another table's folder; the suite must know its columns")
    parser.add_argument("--out", type=Path, help="default: in benchmarks/results, for the drawn table only")
    given = parser.parse_args(arguments)
    setting = Setting(torch.device("cpu"), given.size, given.scratch, given.seconds)
    about = facts(
        f"python -m benchmarks.table_loading --size {given.size} --seconds {given.seconds:g}", setting.device
    )
    root = given.table or table_catalogue(setting)
    points = []
    with one_thread():
        for size in SIZES[given.size]:
            points += measure(setting, root, size)
    out = given.out or (None if given.table else RESULTS / "table_loading.json")
    if out:
        save(out, about, catalogue=root.name, batch_size=BATCH[given.size], points=points)
    for point in points:
        Console().print(
            f"{point['image_size']} px, {point['way']}: {point['pairs_per_cpu_s']:,.0f} pairs a CPU second "
            f"({point['pairs_per_cpu_s_min']:,.0f} to {point['pairs_per_cpu_s_max']:,.0f})"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
