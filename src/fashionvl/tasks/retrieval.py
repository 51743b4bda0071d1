"""Scoring candidate lists with any model that scores pairs, or that embeds images and texts."""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from fashionvl.data.records import Pairs, RetrievalBatch


@runtime_checkable
class ScoresPairs(Protocol):
    """A cross-encoder: one forward a pair."""

    def match(self, batch: Pairs) -> Tensor:
        """`[B]` logits, higher for a better match."""


@runtime_checkable
class Embeds(Protocol):
    """A dual encoder: one forward an image and one a text."""

    def embed_image(self, pixel_values: Tensor) -> Tensor:
        """`[B, D]`, compared by dot product."""

    def embed_text(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """`[B, D]`, compared by dot product."""


@runtime_checkable
class HasWidth(Protocol):
    """A network that knows how much memory a pair takes on its way."""

    def widest(self, tokens: int) -> int:
        """Numbers in the largest activation of one pair whose caption has so many tokens."""


MOST_AT_ONCE = 512
"""Pairs of a forward, on any device."""

BYTES_AT_ONCE = 2**25
"""Of an activation on a CPU, in float32. The system's allocator takes larger ones back at once, and clearing
their pages anew at every layer costs time; docs/performance.md has the measurement."""


def suitable_chunk(model: object, captions: Tensor) -> int:
    """Pairs that a forward takes at its best: 512 on a GPU, on a CPU few of a wide network.

    Args:
        model: that scores them.
        captions: `[.., L]`, on the device where it does.
    """
    if captions.device.type != "cpu" or not isinstance(model, HasWidth):
        return MOST_AT_ONCE
    return min(max(1, round(BYTES_AT_ONCE / (4 * model.widest(captions.shape[-1])))), MOST_AT_ONCE)


def score_candidates(model: ScoresPairs | Embeds, batch: RetrievalBatch, chunk: int | None = None) -> Tensor:
    """Score every candidate of every query.

    Args:
        model: scores pairs or embeds.
        batch: Q queries with C candidates.
        chunk: pairs a forward takes at most; None takes what suits the device.

    Returns:
        `[Q, C]` float32, higher for a better match.
    """
    shape = batch.image_of_pair.shape
    if isinstance(model, ScoresPairs):
        chunk, pairs = chunk or suitable_chunk(model, batch.input_ids), shape.numel()
        logits = [model.match(batch.pairs(slice(start, start + chunk))) for start in range(0, pairs, chunk)]
        return torch.cat(logits).float().view(shape)
    images = model.embed_image(batch.pixel_values)
    texts = model.embed_text(batch.input_ids, batch.attention_mask)
    return (images[batch.image_of_pair] * texts[batch.text_of_pair]).sum(-1).float()
