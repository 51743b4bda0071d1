"""Train, dev, test and label ids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashionvl.data.index.splits import carve_dev, check_disjoint
from fashionvl.errors import InputError


@given(
    products=st.lists(st.integers(0, 40), min_size=2, max_size=200).filter(lambda p: len(set(p)) > 1),
    share=st.floats(0, 0.9),
    seed=st.integers(0, 5),
)
def test_dev_and_train_share_no_product_and_lose_no_row(products: list[int], share: float, seed: int) -> None:
    ids = np.array(products)
    train, dev = carve_dev(ids, share, seed)
    assert sorted([*train, *dev]) == list(range(len(ids)))
    assert not set(ids[train]) & set(ids[dev])
    assert len(train)
    assert bool(len(dev)) == (share > 0)


def test_the_same_seed_carves_the_same_dev() -> None:
    ids = np.arange(100) // 3
    np.testing.assert_array_equal(carve_dev(ids, 0.2, 7)[1], carve_dev(ids, 0.2, 7)[1])
    assert carve_dev(ids, 0.2, 7)[1].tolist() != carve_dev(ids, 0.2, 8)[1].tolist()


def test_sets_of_products_stay_together_and_single_products_change_nothing() -> None:
    ids = np.arange(60) // 2
    sets = ids // 3
    train, dev = carve_dev(ids, 0.2, 0, sets)
    assert not set(sets[train]) & set(sets[dev])
    assert len(dev) == 12
    np.testing.assert_array_equal(carve_dev(ids, 0.2, 7, ids + 5)[1], carve_dev(ids, 0.2, 7)[1])
    assert not len(carve_dev(ids, 0.0, 0, sets)[1])
    with pytest.raises(InputError, match=r"0\.2 of 30 products that stay together leaves nothing"):
        carve_dev(ids, 0.2, 0, ids * 0)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_that_leaves_nothing_is_refused(share: float) -> None:
    with pytest.raises(InputError, match=r"data\.dev_share"):
        carve_dev(np.arange(10), share, 0)


def test_a_product_in_two_files_is_named() -> None:
    check_disjoint(np.array([1, 2]), np.array([3]), ("train.h5", "validation.h5"))
    with pytest.raises(InputError, match=r"train\.h5 and validation\.h5 share 1 products, 2 "):
        check_disjoint(np.array([1, 2]), np.array([2, 3]), ("train.h5", "validation.h5"))
