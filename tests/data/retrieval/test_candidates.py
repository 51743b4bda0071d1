"""Retrieval candidates."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashionvl.data.retrieval.candidates import CandidateSet, draw_candidates
from fashionvl.errors import InputError

PRODUCT = np.repeat(np.arange(90), 2)
SUBCATEGORY = np.repeat(np.arange(90) % 3, 2)
CATEGORY = np.minimum(SUBCATEGORY, 1)


def _draw(direction: str = "tir", negatives: int = 20, seed: int = 0, queries: int = 40) -> CandidateSet:
    return draw_candidates(direction, PRODUCT, CATEGORY, SUBCATEGORY, queries, negatives, seed)  # type: ignore[arg-type]


@given(seed=st.integers(0, 1000), direction=st.sampled_from(["tir", "itr"]), negatives=st.integers(1, 29))
def test_one_positive_among_distinct_other_products_of_the_subcategory(
    seed: int, direction: str, negatives: int
) -> None:
    found = _draw(direction, negatives, seed)
    for query, rows, positive in zip(found.query_rows, found.candidate_rows, found.positive, strict=True):
        products = PRODUCT[rows].tolist()
        assert rows[positive] == query
        assert len(set(products)) == negatives + 1
        assert set(SUBCATEGORY[rows]) == {SUBCATEGORY[query]}
    assert found.negatives_from == {"subcategory": 40 * negatives, "category": 0, "anywhere": 0}


def test_a_small_subcategory_is_filled_from_its_category_then_from_anywhere() -> None:
    found = _draw(negatives=70)
    for query, rows in zip(found.query_rows, found.candidate_rows, strict=True):
        labels = SUBCATEGORY[rows]
        assert (labels == SUBCATEGORY[query]).sum() == 30
        in_category = (CATEGORY[rows] == CATEGORY[query]).sum()
        assert in_category == (30 if CATEGORY[query] == 0 else 60)
    assert sum(found.negatives_from.values()) == 40 * 70
    assert min(found.negatives_from.values()) > 0


def test_too_few_products_shorten_the_lists_and_one_is_refused() -> None:
    assert _draw(negatives=500).candidate_rows.shape == (40, 90)
    with pytest.raises(InputError, match="at least two products"):
        draw_candidates("tir", np.zeros(3, int), np.zeros(3, int), np.zeros(3, int))


def test_queries_are_distinct_rows_and_products_first() -> None:
    assert len(set(PRODUCT[_draw(queries=90).query_rows])) == 90
    assert len(set(_draw(queries=180).query_rows)) == 180
    assert len(_draw(queries=5000)) == 180


def test_the_seed_decides_and_directions_differ() -> None:
    assert _draw().fingerprint == _draw().fingerprint
    assert _draw(seed=1).fingerprint != _draw().fingerprint
    assert _draw("itr").query_rows.tolist() != _draw().query_rows.tolist()


def test_the_positive_has_no_favourite_place() -> None:
    assert len(set(_draw(queries=180).positive)) > 15


CAPTION = np.repeat(np.arange(90) % 20, 2)
"""Four or five products share each; twenty captions in all."""


def test_own_captions_among_the_negatives_are_counted() -> None:
    rows = np.array([[0, 1, 2, 3], [4, 5, 0, 1]])
    found = CandidateSet("tir", np.array([0, 4]), rows, np.array([0, 0]), {})
    counted = found.counted(np.array([7, 7, 8, 7, 9, 8]))
    assert counted.own_caption == {"queries": 1, "negatives": 2}
    assert counted.fingerprint == found.fingerprint


@pytest.mark.parametrize("direction", ["tir", "itr"])
def test_negatives_with_the_query_s_caption_can_be_kept_out(direction: str) -> None:
    arguments = (direction, PRODUCT, CATEGORY, SUBCATEGORY, 90, 20, 0)
    met = draw_candidates(*arguments).counted(CAPTION)  # type: ignore[arg-type]
    assert met.own_caption["queries"] > 0
    kept = draw_candidates(*arguments, caption_of_row=CAPTION).counted(CAPTION)  # type: ignore[arg-type]
    assert kept.own_caption == {"queries": 0, "negatives": 0}
    assert kept.candidate_rows.shape == met.candidate_rows.shape
    for rows in kept.candidate_rows:
        assert len(set(PRODUCT[rows])) == 21


def test_a_product_lends_its_rows_of_another_caption() -> None:
    captions = np.array([0, 1, 0, 2, 0, 3])
    none = np.zeros(6, int)
    found = draw_candidates("tir", np.repeat([0, 1, 2], 2), none, none, 6, 9, 0, captions)
    assert found.candidate_rows.shape == (6, 3)
    for query, rows in zip(found.query_rows, found.candidate_rows, strict=True):
        others = [row for row in rows if row != query]
        assert all(captions[row] != captions[query] for row in others)


def test_lists_are_as_long_as_the_shortest_and_none_is_refused() -> None:
    product, none, captions = np.arange(5), np.zeros(5, int), np.array([0, 0, 0, 1, 2])
    found = draw_candidates("tir", product, none, none, 5, 4, 0, captions)
    assert found.candidate_rows.shape == (5, 3)
    with pytest.raises(InputError, match="that of every other product"):
        draw_candidates("tir", product, none, none, 5, 4, 0, none)


def test_saved_candidates_come_back_and_tampering_shows(tmp_path: Path) -> None:
    drawn = _draw().counted(CAPTION)
    drawn.save(tmp_path / "tir")
    again = CandidateSet.load(tmp_path / "tir")
    assert again.own_caption == drawn.own_caption
    assert again.fingerprint == drawn.fingerprint
    assert again.negatives_from == drawn.negatives_from
    summary = json.loads((tmp_path / "tir" / "summary.json").read_text())
    (tmp_path / "tir" / "summary.json").write_text(json.dumps({**summary, "fingerprint": "0"}))
    with pytest.raises(InputError, match="differ from their recorded fingerprint"):
        CandidateSet.load(tmp_path / "tir")
