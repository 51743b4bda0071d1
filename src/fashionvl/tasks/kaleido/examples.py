"""Examples of the AKPM sub-tasks on a few test photographs, as plain arrays for the report's pictures."""

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.records import KaleidoTargets, PairBatch, Patches
from fashionvl.models.kaleido_bert.model import KaleidoBERT
from fashionvl.tasks.testing.base import SHOWN, Arrays
from fashionvl.tasks.testing.shown import shown

CROP = 64
"""Height and width of a patch in the pictures."""


class TransformsPatches(Protocol):
    """A task on transformed patches."""

    network: Any
    training: bool

    @property
    def device(self) -> torch.device:
        """Device of the network."""

    @property
    def corruption(self) -> Corruption:
        """Applied to pairs."""

    def eval(self) -> Any:
        """Switch dropout off."""

    def train(self, mode: bool) -> Any:
        """Switch dropout on or off."""

    def with_features(self, batch: PairBatch) -> tuple[Patches, KaleidoTargets]:
        """Patches and targets of a batch as features."""


@torch.no_grad()
def transformed_patches(task: TransformsPatches, data: FashionGenDataModule) -> Arrays:
    """Return patches plain and transformed, and what the model made of them."""
    source = data.test_source.patches
    assert source is not None  # checked when the task was set up
    firsts = np.unique(data.test_products(data.test_rows), return_index=True)[1][:SHOWN]
    rows = np.sort(data.test_rows[firsts])
    dataset = data.pairs("test", task.corruption, seed=0)
    keys = [(0, int(position)) for position in np.flatnonzero(np.isin(data.test_rows, rows))]
    batch = dataset.__getitems__(keys)
    # Drawn from the same seed, epoch and rows: the same patches, as pictures.
    as_pictures = dataset.as_crops(CROP).__getitems__(keys)
    seen, targets = task.with_features(batch.to(task.device))
    network: KaleidoBERT = task.network
    training = task.training
    task.eval()
    encoded = network.encode(
        batch.input_ids.to(task.device), batch.attention_mask.to(task.device), seen, blank=targets.blank
    )
    task.train(training)
    pictures = shown(data.test_image(row) for row in rows)
    arrays: dict[str, Any] = {
        "image": pictures.images,
        "box": pictures.boxes(source.boxes[rows]),
        "levels": np.array(source.grid.levels),
        "caption": np.array([data.test_caption(row) for row in rows]),
        "patches": _pictures(source.as_crops(CROP).plain(rows).features),
    }
    if as_pictures.patches is not None:
        arrays["transformed"] = _pictures(as_pictures.patches.features)
    for name in ("rotation", "jigsaw", "camouflage", "grey", "blank"):
        answer = getattr(targets, name)
        if answer is not None:
            arrays[name] = answer.cpu().numpy()
    for name in ("rotation", "jigsaw", "camouflage"):
        if name in arrays:
            logits: Tensor = getattr(network, f"{name}_logits")(encoded)
            arrays[f"predicted_{name}"] = logits.argmax(-1).cpu().numpy()
    if "blank" in arrays:
        start = source.grid.span(network.blank_level).start
        arrays["transformed"][np.arange(len(rows))[:, None], start + arrays["blank"]] = 0
    return arrays


def _pictures(crops: Tensor) -> np.ndarray:
    """`[B, P, S, S, 3]` uint8."""
    return crops.permute(0, 1, 3, 4, 2).contiguous().numpy()
