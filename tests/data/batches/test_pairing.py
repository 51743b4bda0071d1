"""ITM pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashionvl.data.batches.pairing import Pairing, PairSampler
from fashionvl.errors import InputError

PRODUCTS = np.repeat(np.arange(60), 3)
SUBCATEGORY = np.repeat(np.arange(60) % 5, 3)
ROWS = np.arange(len(PRODUCTS))
RULES = ["random", "same_subcategory", "mixed", "shift"]


@given(row=st.integers(0, len(ROWS) - 1), seed=st.integers(0, 10_000), rule=st.sampled_from(RULES))
def test_a_negative_is_always_another_product(row: int, seed: int, rule: str) -> None:
    sampler = PairSampler(Pairing(0.0, rule), ROWS, PRODUCTS, SUBCATEGORY)
    other = sampler.caption_row(row, np.random.default_rng(seed))
    assert PRODUCTS[other] != PRODUCTS[row]
    if rule == "same_subcategory":
        assert SUBCATEGORY[other] == SUBCATEGORY[row]


@pytest.mark.parametrize("rule", RULES)
def test_half_are_positive(rule: str) -> None:
    sampler = PairSampler(Pairing(0.5, rule), ROWS, PRODUCTS, SUBCATEGORY)
    rng = np.random.default_rng(0)
    own = [sampler.caption_row(row, rng) == row for row in ROWS.tolist() * 20]
    assert 0.47 < np.mean(own) < 0.53


def test_mixed_negatives_are_hard_about_half_the_time() -> None:
    sampler = PairSampler(Pairing(0.0, "mixed"), ROWS, PRODUCTS, SUBCATEGORY)
    rng = np.random.default_rng(0)
    hard = [SUBCATEGORY[sampler.caption_row(row, rng)] == SUBCATEGORY[row] for row in ROWS.tolist() * 20]
    assert 0.57 < np.mean(hard) < 0.63  # a half, and a fifth of the other half by chance


def test_the_released_shift_lies_between_50_and_half_the_rows() -> None:
    sampler = PairSampler(Pairing(0.0, "shift"), ROWS, PRODUCTS, SUBCATEGORY)
    rng = np.random.default_rng(0)
    shifts = {(sampler.caption_row(0, rng) - 0) % len(ROWS) for _ in range(2000)}
    assert min(shifts) == 50
    assert max(shifts) == len(ROWS) // 2


def test_the_only_product_of_a_subcategory_borrows_from_others() -> None:
    sampler = PairSampler(Pairing(0.0, "same_subcategory"), np.arange(3), np.arange(3), np.array([0, 1, 1]))
    assert sampler.caption_row(0, np.random.default_rng(0)) in (1, 2)


@pytest.mark.parametrize("rule", RULES)
def test_two_products_suffice_and_one_does_not(rule: str) -> None:
    sampler = PairSampler(Pairing(0.0, rule), np.arange(2), np.array([1, 2]), np.zeros(2))
    assert sampler.caption_row(0, np.random.default_rng(0)) == 1
    with pytest.raises(InputError, match="at least two products"):
        PairSampler(Pairing(0.0, rule), np.arange(2), np.array([1, 1]), np.zeros(2))


def test_a_share_outside_0_to_1_is_refused() -> None:
    with pytest.raises(InputError, match=r"positive_share: 1\.5"):
        Pairing(positive_share=1.5)
