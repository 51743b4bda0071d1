"""Endless batches for Kaleido-BERT's pre-training: drawn, out of a feature cache, or cut from photographs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Sampler

from benchmarks.catalogue import catalogue, data_module
from benchmarks.pairs import draw_kaleido
from benchmarks.released.kaleido import MASKED_POSITIONS
from benchmarks.setting import Setting
from fashionvl.data import FashionGenDataModule
from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.batches.loaders import EpochSampler
from fashionvl.data.catalogue import SPLITS
from fashionvl.data.records import PairBatch
from fashionvl.data.visual.features import SHARD_ROWS, FeatureFacts, FeatureWriter
from fashionvl.data.visual.kaleido import Kaleido
from fashionvl.files.whole import whole_folder
from fashionvl.models.kaleido_bert import KaleidoBERT

TOKENS = 64
"""Text length of the released Kaleido-BERT."""

LEVELS = (1, 2, 3, 4, 5)

WORKERS = 8
"""Loading processes beside a GPU, as in experiments/kaleido_bert/pretrain.yaml."""


def tokens(setting: Setting) -> int:
    """Length of every caption, [PAD] included."""
    return TOKENS if setting.full else 16


def draw(pairs: int, network: KaleidoBERT, length: int = TOKENS, seed: int = 0) -> PairBatch:
    """Draw pairs that ask for as many words as the released code decodes."""
    return draw_kaleido(pairs, network, length, MASKED_POSITIONS, seed)


def from_cache(setting: Setting, corruption: Corruption, pairs: int, width: int) -> Iterator[PairBatch]:
    """Batches whose patch features are read from a feature cache of this width."""
    spec = Kaleido(features=str(drawn_cache(setting, width)))
    return _endless(setting, _data(setting, pairs, kaleido=spec), corruption)


def online(setting: Setting, corruption: Corruption, pairs: int, patch_size: int) -> Iterator[PairBatch]:
    """Batches whose patches are cut from photographs, for a task that has a backbone."""
    spec = Kaleido(online=True, patch_size=patch_size, levels=LEVELS)
    return _endless(setting, _data(setting, pairs, kaleido=spec), corruption)


def drawn_cache(setting: Setting, width: int) -> Path:
    """A feature cache of the catalogue whose numbers are drawn: it is read no faster than a true one."""
    folder = catalogue(setting) / f"drawn-features-{width}"
    if folder.exists():
        return folder
    data, rng = _data(setting, pairs=1), np.random.default_rng(0)
    with whole_folder(folder) as scratch:
        for split in SPLITS:
            index = data.index_of(split)
            facts = FeatureFacts(index.fingerprint, len(index), "drawn", width, 224, "nonwhite", LEVELS)
            some = rng.standard_normal((min(SHARD_ROWS, len(index)), facts.variants, width), np.float32)
            features = some.astype(np.float16)
            writer = FeatureWriter(scratch / split, facts)
            for rows in writer.pending():
                writer.write(rows, features[: len(rows)], index.boxes[rows])
    return folder


def _data(setting: Setting, pairs: int, **options: Any) -> FashionGenDataModule:
    return data_module(setting, pairs, max_tokens=tokens(setting), **options)


def _endless(setting: Setting, data: FashionGenDataModule, corruption: Corruption) -> Iterator[PairBatch]:
    """Iterate over batches for ever; worker processes fetch ahead for a GPU, this process otherwise."""
    dataset = data.pairs("train", corruption, seed=0)
    workers = WORKERS if setting.on_gpu and setting.full else 0
    loader: DataLoader[PairBatch] = DataLoader(
        dataset,
        data.batch_size,
        sampler=_Epochs(EpochSampler(dataset, seed=0, replicas=1, rank=0)),
        num_workers=workers,
        # A batch of crops takes half a gigabyte.
        prefetch_factor=1 if workers else None,
        collate_fn=_as_fetched,
        pin_memory=setting.on_gpu,
    )
    return iter(loader)


class _Epochs(Sampler[Any]):
    """Sampler that repeats epochs without a pause: an epoch of a small catalogue is only a few steps."""

    def __init__(self, epoch: EpochSampler) -> None:
        self._epoch = epoch

    def __iter__(self) -> Iterator[Any]:
        number = 0
        while True:
            self._epoch.set_epoch(number)
            yield from self._epoch
            number += 1


def _as_fetched(batch: Any) -> Any:
    """A dataset of pairs already returns a batch."""
    return batch
