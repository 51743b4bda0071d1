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


def score_candidates(model: ScoresPairs | Embeds, batch: RetrievalBatch, chunk: int) -> Tensor:
    """Score every candidate of every query.

    Args:
        model: scores pairs or embeds.
        batch: Q queries with C candidates.
        chunk: pairs a forward takes at most.

    Returns:
        `[Q, C]` float32, higher for a better match.
    """
    shape = batch.image_of_pair.shape
    if isinstance(model, ScoresPairs):
        pairs = shape.numel()
        logits = [model.match(batch.pairs(slice(start, start + chunk))) for start in range(0, pairs, chunk)]
        return torch.cat(logits).float().view(shape)
    images = model.embed_image(batch.pixel_values)
    texts = model.embed_text(batch.input_ids, batch.attention_mask)
    return (images[batch.image_of_pair] * texts[batch.text_of_pair]).sum(-1).float()
