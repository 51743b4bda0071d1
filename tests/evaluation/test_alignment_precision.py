"""Precision of alignments: which patch is right, for a model, a coin and the centre."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.evaluation.alignment import (
    AlignmentPrecision,
    centre_patches,
    phrase_tokens,
    right_patches,
)
from fashionvl.patches.grid import KaleidoGrid
from fashionvl.patches.overlap import best_patches

GRID = KaleidoGrid()
BOX = (0, 0, 60, 60)
LEVEL3 = GRID.boxes(BOX)[GRID.span(3)]


def spans(*words: str) -> list[tuple[int, int]]:
    """Spans of [CLS], words one space apart, [SEP]."""
    starts = np.cumsum([0, *(len(word) + 1 for word in words)]).tolist()
    return [(0, 0), *((start, start + len(word)) for start, word in zip(starts, words, strict=False)), (0, 0)]


def test_tokens_of_a_phrase_are_those_inside_it() -> None:
    words = ("Rib", "knit", "top", "in", "off-white.", "White", "ribs.", "rib", "Knit")
    text = " ".join(words)
    assert phrase_tokens(text, "rib knit", spans(*words)) == [1, 2, 8, 9]
    assert phrase_tokens(text, "white", spans(*words)) == [6]
    assert phrase_tokens(text, "satin", spans(*words)) == []
    # Pieces of a word, and a full stop that is a token of its own.
    pieces = [(0, 0), (0, 2), (2, 4), (4, 5), (0, 0)]
    assert phrase_tokens("Hood.", "hood", pieces) == [1, 2]
    assert phrase_tokens("Hoodie", "hood", [(0, 0), (0, 4), (4, 6), (0, 0)]) == []


@pytest.mark.parametrize(
    ("region", "right"),
    [
        ((2, 2, 10, 10), [0]),
        ((15, 2, 25, 10), [0, 1]),
        ((18, 2, 28, 10), [1]),
        ((15, 15, 25, 25), [0, 1, 3, 4]),
        ((0, 0, 60, 60), list(range(9))),
        ((0, 0, 60, 29), list(range(3))),
        ((0, 0, 60, 30), list(range(6))),
        ((-20, -20, 0, 0), []),
    ],
)
def test_a_patch_is_right_that_shows_half_of_what_the_best_one_shows(region, right) -> None:
    assert np.flatnonzero(right_patches(np.array(region), LEVEL3)).tolist() == right


@pytest.mark.parametrize(
    ("level", "centre"), [(1, [0]), (2, [0, 1, 2, 3]), (3, [4]), (4, [5, 6, 9, 10]), (5, [12])]
)
def test_centre_patches(level: int, centre: list[int]) -> None:
    assert centre_patches(level).tolist() == centre


def test_precision_by_hand() -> None:
    found = AlignmentPrecision(GRID, (3, 4))
    # A collar inside patch 1 of level 3; patches 1 and 2 of level 4 show half of it each.
    found.add("collar", np.array([24, 2, 36, 10]), BOX, np.array([[1, 1], [4, 2], [-1, 8]]))
    # A colour everywhere.
    found.add("colour", np.array([0, 0, 60, 60]), BOX, np.array([[5, 7]]))
    scores = found.compute()
    assert scores["pairs"] == 5
    assert scores["precision"] == pytest.approx((1 + 2) / 5)
    assert scores["random"] == pytest.approx((2 * 1 / 9 + 3 * 2 / 16) / 5)
    assert scores["centre"] == 0.0
    assert scores["all_pairs"] == 7
    assert scores["all_precision"] == pytest.approx((1 + 2 + 2) / 7)
    assert scores["all_centre"] == pytest.approx(2 / 7)
    assert scores["collar_precision"] == scores["precision"]
    assert scores["colour_random"] == 1.0
    assert scores["colour_pairs"] == 2


def test_centre_of_an_even_level_is_the_mean_of_four() -> None:
    found = AlignmentPrecision(GRID, (4,))
    found.add("closure", np.array([17, 17, 27, 27]), BOX, np.array([[0]]))
    assert found.compute()["centre"] == 0.25


def test_large_regions_are_not_in_the_headline() -> None:
    found = AlignmentPrecision(GRID, (3,))
    found.add("trim", np.array([0, 0, 30, 29]), BOX, np.array([[8]]))
    found.add("trim", np.array([0, 0, 30, 30]), BOX, np.array([[0]]))
    scores = found.compute()
    assert (scores["pairs"], scores["precision"]) == (1, 0.0)
    assert (scores["trim_pairs"], scores["trim_precision"]) == (2, 0.5)


def test_without_a_pair_there_is_no_precision() -> None:
    found = AlignmentPrecision(GRID)
    assert found.compute() == {"pairs": 0.0, "all_pairs": 0.0}
    found.add("collar", np.array([0, 0, 9, 9]), BOX, np.empty((0, 3), np.int64))
    assert "precision" not in found.compute()


boxes = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(8, 80), st.integers(8, 80)).map(
    lambda drawn: (drawn[0], drawn[1], drawn[0] + drawn[2], drawn[1] + drawn[3])
)


@settings(max_examples=200, deadline=None)
@given(box=boxes, region=boxes)
def test_the_true_region_is_always_right(box, region) -> None:
    found = AlignmentPrecision(GRID)
    best = best_patches(np.array([region]) / 128, GRID, box, (128, 128))
    found.add("collar", np.array(region), box, best)
    scores = found.compute()
    assert scores["all_pairs"] in (0, 3)
    if scores["all_pairs"]:
        assert scores["all_precision"] == 1
        assert 0 < scores["all_random"] <= 1


@settings(max_examples=50, deadline=None)
@given(box=boxes, region=boxes)
def test_random_is_the_mean_over_all_patches(box, region) -> None:
    drawn, model = (AlignmentPrecision(GRID, (3,)) for _ in range(2))
    drawn.add("collar", np.array(region), box, np.arange(9)[:, None])
    model.add("collar", np.array(region), box, np.array([[4]]))
    assert drawn.compute()["all_precision"] == pytest.approx(drawn.compute()["all_random"])
    assert model.compute()["all_precision"] == model.compute()["all_centre"]
