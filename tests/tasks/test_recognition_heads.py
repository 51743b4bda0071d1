"""Recognition heads against the names of the data."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from fashionvl.errors import InputError
from fashionvl.models.mvlt import MVLT
from fashionvl.tasks import Recognition


class Fixed(torch.nn.Module):
    """Recognises three categories and two sub-categories, and cannot learn more."""

    categories, subcategories = 3, 2

    def recognise(self, batch: Any) -> Any:
        raise NotImplementedError

    def heads(self) -> dict[str, torch.nn.Module]:
        return {}


def _prepared(network: torch.nn.Module, categories: int, subcategories: int) -> Recognition:
    task = Recognition(network)
    task.data = SimpleNamespace(  # type: ignore[assignment]
        categories=SimpleNamespace(names=("",) * categories),
        subcategories=SimpleNamespace(names=("",) * subcategories),
    )
    task.prepare_network("test")
    return task


def test_heads_that_cannot_grow_are_named() -> None:
    with pytest.raises(InputError, match=r"init_args\.subcategories: 2 outputs for the data's 4 names"):
        _prepared(Fixed(), 3, 4)
    _prepared(Fixed(), 3, 2)


def test_only_the_head_that_is_too_narrow_grows(network: MVLT) -> None:
    _prepared(network, 4, 9)
    assert (network.categories, network.subcategories) == (5, 9)
    assert network.category.classifier.out_features == 5
    assert network.subcategory.classifier.out_features == 9
    assert network.config["subcategories"] == 9
