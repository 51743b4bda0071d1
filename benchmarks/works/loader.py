"""The loader alone: what a pair costs on one core before a model sees it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import torch

from benchmarks.catalogue import IMAGE_SIZE, data_module, released_folder, train_loader
from benchmarks.measure import Mark, Plan, Work, unmarked
from benchmarks.released.feature_rows import PATCHES, FeatureRows
from benchmarks.released.items import BERT_ENTRIES, ReleasedItems, released_loader
from benchmarks.setting import Setting
from fashionvl.data import FashionGenDataModule
from fashionvl.data.visual.features import FeatureCache, FeatureFacts, FeatureWriter
from fashionvl.patches.grid import KaleidoGrid

VARIANTS: dict[str, dict[str, Any]] = {
    "stored": {"store_images": True},
    "h5py": {"mapped": False},
    "resize on device": {"resize_on": "device"},
}
"""Options of the DataModule, each a plan of its own."""

WIDTH = 2048


def build(setting: Setting) -> list[Work]:
    """MVLT's pairs and Kaleido-BERT's feature rows, each as released and as here."""
    return [_pairs(setting), _features(setting)]


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit torch and OpenCV to one core inside the block."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


def endless(loader: Iterable[Any]) -> Iterator[Any]:
    """Batches of one epoch after the other."""
    while True:
        yield from loader


def _pairs(setting: Setting) -> Work:
    batch = setting.pick(tiny=4, cpu=150, gpu=150)
    data = data_module(setting, batch)
    plans = [
        Plan("released", "fp32", _released(setting, data, batch)),
        Plan("ours", "fp32", suite_turns(setting, data), target=5.0),
    ]
    for name, options in VARIANTS.items():
        plans.append(Plan(name, "fp32", suite_turns(setting, data_module(setting, batch, **options))))
    return Work(
        "loader alone",
        plans,
        bytes=3 * IMAGE_SIZE**2,
        note=f"one core, no worker; batches of {batch}, files in the page cache; captions of "
        f"{_mean_length(data):.0f} tokens in the mean; a vocabulary of {len(data.tokenizer):,}, listed as "
        f"{BERT_ENTRIES:,} entries in the released plan; the masked photograph that it makes "
        "besides is left out",
    )


def _mean_length(data: FashionGenDataModule) -> float:
    attention = data.train_source.tokens(data.train_rows).attention
    return float(attention.sum() / len(attention))


def _released(setting: Setting, data: FashionGenDataModule, batch: int) -> Callable[[Mark], int]:
    items = ReleasedItems(released_folder(setting), data.tokenizer)
    batches = endless(released_loader(items, batch))

    def run(mark: Mark) -> int:
        items.mark = mark
        with one_thread():
            found = next(batches)
        mark("collate")
        items.mark = unmarked
        return len(found["image"])

    return run


def suite_turns(setting: Setting, data: FashionGenDataModule) -> Callable[[Mark], int]:
    """Turns of one batch each: loaded in this process, brought to the device and to [0, 1], on one core."""
    batches = endless(train_loader(data))

    def run(mark: Mark) -> int:
        with one_thread():
            found = next(batches)
            mark("batch")
            found = data.on_after_batch_transfer(found.to(setting.device), 0)
        mark("to device, to [0, 1]")
        return len(found.input_ids)

    return run


def _features(setting: Setting) -> Work:
    rows, batch = setting.pick(tiny=6, cpu=192, gpu=192), setting.pick(tiny=2, cpu=32, gpu=32)
    cache = _cache(setting, rows)
    released = FeatureRows.of(cache, setting.scratch / f"features-{rows}.tsv")
    shown = np.tile(np.arange(PATCHES), (batch, 1))
    drawn, parsed = (
        endless(_Epochs(rows, batch, shuffled=True)),
        endless(_Epochs(rows, batch, shuffled=False)),
    )

    # One batch of ours takes a millisecond or two, which says nothing.
    many = setting.pick(tiny=1, cpu=30, gpu=30)

    def ours(mark: Mark) -> int:
        with one_thread():
            for _ in range(many):
                torch.from_numpy(cache.take(next(drawn), shown)).to(setting.device).float()
        mark("rows")
        return batch * many

    def theirs(mark: Mark) -> int:
        with one_thread():
            taken = torch.from_numpy(released.take(next(parsed))).to(setting.device)
        mark("rows")
        return len(taken)

    return Work(
        "Kaleido-BERT loader",
        [Plan("released", "fp32", theirs), Plan("ours", "fp32", ours)],
        bytes=PATCHES * WIDTH * 2,
        note=f"one core; features of the {PATCHES} patches alone, random numbers of {rows} photographs, "
        "against comma-separated decimal text parsed by numpy in place of TensorFlow; tokens and targets "
        "left out of both",
    )


class _Epochs:
    """Rows of one epoch in batches: in random order, or as a file is read, from its beginning to its end."""

    def __init__(self, rows: int, batch: int, shuffled: bool) -> None:
        self._rows, self._batch, self._shuffled = rows, batch, shuffled
        self._rng = np.random.default_rng(0)

    def __iter__(self) -> Iterator[np.ndarray]:
        order = self._rng.permutation(self._rows) if self._shuffled else np.arange(self._rows)
        yield from order[: self._rows // self._batch * self._batch].reshape(-1, self._batch)


def _cache(setting: Setting, rows: int) -> FeatureCache:
    facts = FeatureFacts(
        data="none",
        rows=rows,
        backbone="random",
        width=WIDTH,
        patch_size=224,
        foreground="none",
        levels=KaleidoGrid().levels,
    )
    folder = setting.scratch / f"features-{rows}"
    rng = np.random.default_rng(0)
    writer = FeatureWriter(folder, facts, shard_rows=64)
    for pending in writer.pending():
        # Means of rectified responses, as ResNet-50 ends in: not negative, most of them below 1.
        features = np.abs(rng.normal(0, 0.5, (len(pending), facts.variants, WIDTH))).astype(np.float16)
        writer.write(pending, features, np.tile(np.array([0, 0, 256, 256]), (len(pending), 1)))
    return FeatureCache(folder)
