"""Metrics recomputed from items and their resamples, against slow computations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.evaluation.significance import resampled_weights
from fashionvl.reporting.recomputed import RECALL, RECOGNITION, mean_of, median_of, resampled
from fashionvl.reporting.sums import weighted_median

COUNTED = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 4)), min_size=1, max_size=12)


@given(COUNTED)
@settings(deadline=None)
def test_weighted_median_is_numpys_of_the_repeated_values(pairs):
    values, counts = np.array(pairs).T
    counts[0] += 1
    expected = np.median(np.repeat(values, counts))
    assert weighted_median(values.astype(float), counts[None]) == [expected]


def test_median_rank_of_resampled_queries():
    ranks = np.array([1.0, 1, 2, 7, 30, 2, 3])
    (scored,) = median_of("rank", "median_rank").score([{"rank": ranks}], np.arange(7))
    assert (scored.units, scored.observed()) == (7, {"median_rank": 2.0})
    (weights,) = resampled_weights(7, 50, 3)
    slow = [np.median(np.repeat(ranks, row)) for row in weights]
    np.testing.assert_array_equal(scored.score(weights)["median_rank"], slow)


def test_medians_resample_products_whole():
    ranks, codes = np.array([1.0, 1, 9, 9, 9, 4]), np.array([0, 0, 1, 1, 1, 2])
    (scored,) = median_of("rank", "m").score([{"rank": ranks}], codes)
    weights = np.array([[2, 0, 1], [0, 3, 0], [1, 1, 1]])
    np.testing.assert_array_equal(scored.score(weights)["m"], [1, 9, np.median(ranks)])


def test_means_leave_units_out_that_some_run_lacks():
    first, second = np.array([1.0, 2, np.nan, np.nan]), np.array([np.nan, 4, 5, 6])
    codes = np.array([0, 0, 1, 2])
    one, other = mean_of("x").score([{"x": first}, {"x": second}], codes)
    # Unit 0 alone has values in both runs: 1 and 2, and 4.
    assert (one.units, one.observed(), other.observed()) == (1, {"x": 1.5}, {"x": 4.0})
    assert mean_of("x").score([{"x": first}, {"x": np.full(4, np.nan)}], codes) == []


def test_recall_and_recognition_by_hand():
    hits = {f"hit@{k}": np.array([1.0, 0.5, 0.0, 0.0]) for k in (1, 5, 10)}
    (scored,) = RECALL.score([hits], np.arange(4))
    assert scored.observed() == {"r1": 37.5, "r5": 37.5, "r10": 37.5, "sum_r": 112.5}
    labels = {"predicted": np.array([3, 3, 9]), "target": np.array([3, 9, 9])}
    (scored,) = RECOGNITION.score([labels], np.arange(3))
    f = 2 / 3  # of both classes
    assert scored.observed() == pytest.approx({"accuracy": 200 / 3, "macro_f": f, "sum_c": 200 / 3 + 100 * f})


def test_a_stream_draws_the_same_units_for_every_run():
    runs = [{"x": np.arange(9.0)}, {"x": np.arange(9.0) + 5}]
    one, other = (resampled(scored, 4)["x"] for scored in mean_of("x").score(runs, np.arange(9)))
    np.testing.assert_allclose(other - one, 5)
    assert one.std() > 0
