"""Scoring candidate lists with a model that scores pairs."""

import torch
from torch import Tensor

from fashionvl.data.records import RetrievalBatch
from fashionvl.models.protocols import HasWidth, ScoresPairs

MOST_AT_ONCE = 512
"""Pairs of a forward, on any device."""

BYTES_AT_ONCE = 2**25
"""Activation on a CPU, in float32. The system's allocator takes larger ones back at once, and clearing
their pages anew at every layer costs time; docs/performance.md has the measurement."""


def suitable_chunk(model: object, captions: Tensor) -> int:
    """Return the pairs that a forward takes at its best: 512 on a GPU, on a CPU few of a wide network.

    Args:
        model: that scores them.
        captions: `[.., L]`, on the device where it does.
    """
    if captions.device.type != "cpu" or not isinstance(model, HasWidth):
        return MOST_AT_ONCE
    return min(max(1, round(BYTES_AT_ONCE / (4 * model.widest(captions.shape[-1])))), MOST_AT_ONCE)


def score_candidates(model: ScoresPairs, batch: RetrievalBatch, chunk: int | None = None) -> Tensor:
    """Score every candidate of every query.

    Args:
        model: scores pairs.
        batch: Q queries with C candidates.
        chunk: pairs a forward takes at most; None takes what suits the device.

    Returns:
        `[Q, C]` float32, higher for a better match.
    """
    shape = batch.image_of_pair.shape
    chunk, pairs = chunk or suitable_chunk(model, batch.input_ids), shape.numel()
    logits = [model.match(batch.pairs(slice(start, start + chunk))) for start in range(0, pairs, chunk)]
    return torch.cat(logits).float().view(shape)
