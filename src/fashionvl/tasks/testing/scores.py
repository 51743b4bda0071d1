"""Scores of images and texts of a gallery, by their numbers."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from fashionvl.data.records import Embedding
from fashionvl.errors import InputError
from fashionvl.models.protocols import Embeds

IMAGES_AT_ONCE = 4096
"""Image embeddings that meet a block of texts at once."""

Parts = list[tuple[Tensor, Embedding]]
"""Numbers `[B]` and embeddings of them."""


class Scores(Protocol):
    """Scores of any images with any texts."""

    def block(self, images: np.ndarray, texts: np.ndarray) -> Tensor:
        """Return `[I, T]` float on the CPU, of images `[I]` and texts `[T]` by number."""


@dataclass(frozen=True)
class EmbeddedScores:
    """Scores that are computed from embeddings as they are asked for.

    Attributes:
        network: that compares them.
        device: where it does.
        images: `[I, ...]`, all of the gallery.
        texts: `[T, ...]`, likewise.
    """

    network: Embeds
    device: torch.device
    images: Embedding
    texts: Embedding

    @classmethod
    def joined(
        cls,
        network: Embeds,
        device: torch.device,
        images: list[Parts],
        texts: list[Parts],
        sizes: tuple[int, int],
    ) -> "EmbeddedScores":
        """Put together what every process embedded.

        Raises:
            InputError: part of the gallery is missing.
        """
        found = _in_order(images, sizes[0], "photographs"), _in_order(texts, sizes[1], "captions")
        return cls(network, device, *found)

    def block(self, images: np.ndarray, texts: np.ndarray) -> Tensor:
        """Return `[I, T]` similarities, on the CPU."""
        said = self.texts[torch.from_numpy(texts)].to(self.device)
        parts = [
            self.network.similarity(self.images[torch.from_numpy(some)].to(self.device), said).cpu()
            for some in np.split(images, np.arange(IMAGES_AT_ONCE, len(images), IMAGES_AT_ONCE))
        ]
        return torch.cat(parts)


@dataclass(frozen=True)
class PairScores:
    """Scores of every pair, computed beforehand.

    Attributes:
        matrix: `[I, T]` float32.
    """

    matrix: Tensor

    @classmethod
    def joined(
        cls, blocks: list[list[tuple[Tensor, Tensor, Tensor]]], images: int, texts: int
    ) -> "PairScores":
        """Put together what every process scored.

        Raises:
            InputError: part of the gallery is missing.
        """
        matrix, seen = torch.empty(images, texts), torch.zeros(images, texts, dtype=torch.bool)
        for own in blocks:
            for rows, columns, scores in own:
                matrix[rows[:, None], columns], seen[rows[:, None], columns] = scores, True
        if not seen.all():
            raise InputError(_incomplete(int(seen.sum()), seen.numel(), "pairs"))
        return cls(matrix)

    def block(self, images: np.ndarray, texts: np.ndarray) -> Tensor:
        """Return `[I, T]` scores."""
        return self.matrix[torch.from_numpy(images)[:, None], torch.from_numpy(texts)]


def _in_order(parts: list[Parts], count: int, what: str) -> Embedding:
    """One embedding of all parts, by ascending number; regions and words padded to the longest."""
    every = [part for own in parts for part in own]
    numbers = torch.cat([torch.empty(0, dtype=torch.int64), *(number for number, _ in every)])
    if len(numbers.unique()) != count:
        raise InputError(_incomplete(len(numbers.unique()), count, what))
    longest = max(part.values.shape[1] for _, part in every)
    padded = [part.padded(longest) for _, part in every]
    masks = [part.mask for part in padded if part.mask is not None]
    # Where a number comes twice, either place serves: they were embedded alike.
    place = torch.empty(count, dtype=torch.int64)
    place[numbers] = torch.arange(len(numbers))
    values = torch.cat([part.values for part in padded])[place]
    return Embedding(values, torch.cat(masks)[place] if masks else None)


def _incomplete(found: int, count: int, what: str) -> str:
    return (
        f"GalleryTest: {found:,} of {count:,} {what} were seen, but the gallery needs all; remove "
        "trainer.limit_test_batches"
    )
