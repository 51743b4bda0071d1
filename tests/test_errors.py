"""The check of ranges."""

import math

import pytest

from fashionvl.errors import InputError, check_range


@pytest.mark.parametrize(
    ("value", "least", "most", "above", "says"),
    [
        (-1, 0, math.inf, False, "k: -1 must be at least 0"),
        (0, 0, math.inf, True, "k: 0 must be above 0"),
        (1.5, 0, 1, False, "k: 1.5 must be at least 0 and at most 1"),
        (math.nan, 0, 1, False, "k: nan must be"),
        (math.inf, 0, math.inf, False, "k: inf must be"),
    ],
)
def test_a_number_outside_is_named(value: float, least: float, most: float, above: bool, says: str) -> None:
    with pytest.raises(InputError) as refused:
        check_range("k", value, least, most, above)
    assert says in str(refused.value)


@pytest.mark.parametrize("value", [None, 0, 1, 0.5])
def test_a_number_inside_passes(value: float | None) -> None:
    check_range("k", value, 0, 1)
