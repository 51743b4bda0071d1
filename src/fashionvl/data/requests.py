"""Requests to the DataModule, from tasks and from the configuration."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.catalogue import Piece
from fashionvl.errors import InputError


class ServesTest(Protocol):
    """A test that takes its batches from the DataModule."""

    def loader(self, data: Any) -> Any:
        """Return the batches of this process, made of what the DataModule `data` offers."""


class AsksForData(Protocol):
    """Attributes of a task that the DataModule reads."""

    @property
    def corruption(self) -> Corruption:
        """Applied to training and dev pairs."""

    @property
    def tests(self) -> Iterable[Any]:
        """The tests, each a `ServesTest`, in the order of the test loaders."""


@runtime_checkable
class WorksThroughRows(Protocol):
    """Attributes of a task that processes every photograph once, as the DataModule reads them."""

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

    @property
    def folder_name(self) -> str:
        """Of the catalogue under `data/`."""
        share = f"{self.validation_share:g}".removeprefix("0.")
        return f"synthetic-{self.products}-{share}-seed{self.seed}"


@dataclass(frozen=True)
class Retrieval:
    """The retrieval protocol (MVLT section 3.3; Kaleido-BERT section 4.3).

    Attributes:
        queries: a direction; 1,000 in the papers.
        negatives: a query; 100 in the papers.
        seed: of the draw; every model of a table shares it.
        candidates: `drawn` from the seed, or the `ready_made` lists of the MVLT folder layout.
        batch_queries: queries a test batch holds.
        distinct_captions: keep negatives that carry the query's own caption out of drawn lists. Without it,
            as in the papers, such a negative counts as wrong although nothing tells it from the match.
    """

    queries: int = 1000
    negatives: int = 100
    seed: int = 0
    candidates: Literal["drawn", "ready_made"] = "drawn"
    batch_queries: int = 2
    distinct_captions: bool = False

    def __post_init__(self) -> None:
        if self.distinct_captions and self.candidates == "ready_made":
            raise InputError(
                "data.init_args.retrieval.distinct_captions: ready-made lists are taken as they are; "
                "set it to false, or candidates to drawn"
            )
