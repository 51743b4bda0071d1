"""Requests to the DataModule, from tasks and from the configuration."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.catalogue import Piece
from fashionvl.errors import InputError, check_range


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
        seed: of the drawing, at least 0.
        validation_share: share of the products in the validation file, in (0, 1).
        unnamed_share: share of the products whose captions do not name their sub-category, in [0, 1].

    Raises:
        InputError: a number is outside its range.
    """

    products: int = 10_000
    seed: int = 0
    validation_share: float = 0.2
    unnamed_share: float = 0.0

    def __post_init__(self) -> None:
        check_range("data.init_args.synthetic.products", self.products, 1)
        check_range("data.init_args.synthetic.seed", self.seed, 0)
        if not 0 < self.validation_share < 1:
            raise InputError(
                f"data.init_args.synthetic.validation_share: {self.validation_share} is outside (0, 1)"
            )
        if not 0 <= self.unnamed_share <= 1:
            raise InputError(
                f"data.init_args.synthetic.unnamed_share: {self.unnamed_share} is outside [0, 1]"
            )

    @property
    def folder_name(self) -> str:
        """Name of the catalogue's folder under `data/`."""
        share = f"{self.validation_share:g}".removeprefix("0.")
        unnamed = f"-unnamed{self.unnamed_share:g}" if self.unnamed_share else ""
        return f"synthetic-{self.products}-{share}-seed{self.seed}{unnamed}"


@dataclass(frozen=True)
class Retrieval:
    """The retrieval protocol (MVLT section 3.3; Kaleido-BERT section 4.3).

    Attributes:
        queries: a direction, at least 1; 1,000 in the papers.
        negatives: a query, at least 1, since a positive alone is always found; 100 in the papers.
        seed: of the draw, at least 0; every model of a table shares it.
        candidates: `drawn` from the seed, or the `ready_made` lists of the MVLT folder layout.
        batch_queries: queries a test batch holds, at least 1.
        distinct_captions: keep negatives that carry the query's own caption out of drawn lists. Without it,
            as in the papers, such a negative counts as wrong although nothing tells it from the match.

    Raises:
        InputError: a number is outside its range, or ready-made lists are to be changed.
    """

    queries: int = 1000
    negatives: int = 100
    seed: int = 0
    candidates: Literal["drawn", "ready_made"] = "drawn"
    batch_queries: int = 2
    distinct_captions: bool = False

    def __post_init__(self) -> None:
        for name, least in (("queries", 1), ("negatives", 1), ("seed", 0), ("batch_queries", 1)):
            check_range(f"data.init_args.retrieval.{name}", getattr(self, name), least)
        if self.distinct_captions and self.candidates == "ready_made":
            raise InputError(
                "data.init_args.retrieval.distinct_captions: ready-made lists are taken as they are; "
                "set it to false, or candidates to drawn"
            )
