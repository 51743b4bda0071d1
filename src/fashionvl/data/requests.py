"""What is asked of the DataModule: by tasks, and by the configuration."""

from dataclasses import dataclass
from typing import Literal, Protocol

from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.catalogue import Piece

TestProtocol = Literal["tir", "itr", "mig", "recognition", "captioning", "saliency"]
"""Text-to-image and image-to-text retrieval, masked image generation, category recognition, captions of one
photograph a product, foreground masks."""


class AsksForData(Protocol):
    """What the DataModule wants to know of a task."""

    @property
    def corruption(self) -> Corruption:
        """Applied to training and dev pairs, and to the photographs of masked image generation."""

    @property
    def protocols(self) -> tuple[TestProtocol, ...]:
        """The test protocols, in the order of the test loaders."""


class WorksThroughRows(Protocol):
    """What the DataModule wants to know of a task that passes every photograph once."""

    @property
    def work(self) -> list[Piece]:
        """The work that is left, the same in every process."""


@dataclass(frozen=True)
class Synthetic:
    """The catalogue that is drawn when no data is given.

    Attributes:
        products: how many.
        seed: of the drawing.
        validation_share: share of the products in the validation file.
    """

    products: int = 10_000
    seed: int = 0
    validation_share: float = 0.2


@dataclass(frozen=True)
class Retrieval:
    """The retrieval protocol (MVLT section 3.3; Kaleido-BERT section 4.3).

    Attributes:
        queries: a direction; 1,000 in the papers.
        negatives: a query; 100 in the papers.
        seed: of the draw; every model of a table shares it.
        candidates: `drawn` from the seed, or the `ready_made` lists of the MVLT folder layout.
        batch_queries: queries a test batch holds.
    """

    queries: int = 1000
    negatives: int = 100
    seed: int = 0
    candidates: Literal["drawn", "ready_made"] = "drawn"
    batch_queries: int = 2
