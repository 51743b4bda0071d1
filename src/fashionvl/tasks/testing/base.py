"""A test: what it is called, the data it reads, what it does with a batch, and what it found."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn
from torchmetrics import Metric

from fashionvl.data.datamodule import FashionGenDataModule

SHOWN = 8
"""Examples kept of each kind."""

Arrays = dict[str, Any]
"""Arrays by name, as `numpy.savez` takes them."""


@dataclass(frozen=True)
class Result:
    """Results of one protocol.

    Attributes:
        name: of the protocol; scores are recorded as `name/metric`, arrays as `name.npz`.
        scores: scalars by metric.
        arrays: per-item arrays, for intervals and paired tests. Those with `id` (rows of the test split) get
            `product_id` beside them in the record.
    """

    name: str
    scores: dict[str, float]
    arrays: Arrays


class Test(nn.Module, ABC):
    """One pass over test data by a trained network.

    A new protocol is a subclass and a configuration that names it in a task's `tests`; nothing else changes.

    Attributes:
        name: of the test; no two tests of a task share it.
    """

    __test__ = False  # pytest would collect it
    name: str

    def prepare(self, network: nn.Module, data: FashionGenDataModule) -> None:
        """Check that network and data can serve this test, before long work starts.

        Raises:
            InputError: they cannot; the message says why.
        """

    @abstractmethod
    def loader(self, data: FashionGenDataModule) -> Any:
        """Return the batches of this process."""

    @abstractmethod
    def step(self, network: nn.Module, batch: Any) -> None:
        """Take in one batch, on the network's device."""

    @abstractmethod
    def results(self, network: nn.Module, data: FashionGenDataModule) -> list[Result]:
        """Return what was found over all processes, every one of which calls this."""

    def facts(self, data: FashionGenDataModule) -> dict[str, dict[str, Any]]:
        """Return further sections of the record, such as the candidates' fingerprints."""
        return {}

    def examples(self, data: FashionGenDataModule) -> dict[str, Arrays]:
        """Return a few examples for the report's pictures, by the stem of their `.npz`."""
        return {}

    def forget(self) -> None:
        """Drop what an earlier pass left."""
        for module in self.modules():
            if isinstance(module, Metric):
                module.reset()


class ProductBook:
    """Picks the first photograph of each of the first products."""

    def __init__(self) -> None:
        self._products: set[int] = set()

    def new(self, product_id: Tensor) -> list[int]:
        """Return positions in a batch of products `[B]` not shown yet, as far as there is room."""
        found: list[int] = []
        for position, product in enumerate(product_id.tolist()):
            if len(self._products) < SHOWN and product not in self._products:
                self._products.add(product)
                found.append(position)
        return found


def with_products(arrays: Arrays, data: FashionGenDataModule) -> Arrays:
    """Return arrays of rows with the rows' products beside them."""
    return (
        {**arrays, "product_id": data.test_products(np.asarray(arrays["id"]))} if "id" in arrays else arrays
    )
