"""Ranges of what the DataModule is asked for, each refused with its key before anything is read."""

import math

import pytest

from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.requests import Retrieval, Synthetic
from fashionvl.data.settings import SMALLEST
from fashionvl.errors import InputError


@pytest.mark.parametrize("name", ["queries", "negatives", "batch_queries"])
def test_a_retrieval_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=rf"data\.init_args\.retrieval\.{name}: 0 must be at least 1"):
        Retrieval(**{name: 0})
    with pytest.raises(InputError, match=r"retrieval\.seed: -1"):
        Retrieval(seed=-1)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, math.nan])
def test_a_catalogue_of_one_split_is_refused(share: float) -> None:
    with pytest.raises(InputError, match=r"synthetic\.validation_share: .* is outside \(0, 1\)"):
        Synthetic(validation_share=share)
    for name, value in (("products", 0), ("seed", -1)):
        with pytest.raises(InputError, match=rf"synthetic\.{name}: {value} must be"):
            Synthetic(**{name: value})


@pytest.mark.parametrize(("name", "least"), SMALLEST.items())
def test_every_number_of_the_datamodule_has_a_smallest_value(name: str, least: int) -> None:
    with pytest.raises(InputError, match=rf"data\.init_args\.{name}: {least - 1} must be at least {least}"):
        FashionGenDataModule(**{name: least - 1})
    FashionGenDataModule(**{name: least})
