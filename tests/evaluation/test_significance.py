"""Intervals cover, tests keep their level, and both agree with exact or independent computations."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.errors import InputError
from fashionvl.evaluation import significance
from fashionvl.evaluation.recognition import macro_f
from fashionvl.evaluation.significance import (
    bootstrap_interval,
    bootstrap_statistic,
    mcnemar_exact,
    paired_bootstrap_test,
)


def test_the_interval_of_a_rate_is_the_binomial_one():
    """A resampled rate is a binomial count over n, so its percentiles are p +- 1.96 standard errors."""
    values = np.repeat([1.0, 0.0], [760, 240])
    low, high = bootstrap_interval(values, resamples=4000)
    margin = 1.96 * np.sqrt(0.76 * 0.24 / 1000)
    assert low == pytest.approx(0.76 - margin, abs=0.003)
    assert high == pytest.approx(0.76 + margin, abs=0.003)
    narrow_low, narrow_high = bootstrap_interval(values, confidence=0.5)
    assert low < narrow_low < 0.76 < narrow_high < high


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(300):
        low, high = bootstrap_interval(rng.random(100) < 0.4, resamples=400, seed=seed)
        covered += low <= 0.4 <= high
    # 95 % of 300 is 285, standard deviation 3.8; the percentile interval undercovers a little.
    assert 268 <= covered <= 298


def test_the_seed_decides_and_chunks_do_not_matter(monkeypatch):
    values = np.random.default_rng(1).normal(size=50)
    whole = bootstrap_interval(values, seed=3)
    assert whole == bootstrap_interval(values, seed=3)
    assert whole != bootstrap_interval(values, seed=4)
    monkeypatch.setattr(significance, "CHUNK", 170)
    assert bootstrap_interval(values, seed=3) == pytest.approx(whole)


def test_the_general_bootstrap_equals_the_one_of_the_mean():
    values = np.random.default_rng(2).normal(size=40)
    general = bootstrap_statistic(lambda rows: float(values[rows].mean()), len(values), seed=5)
    assert general == pytest.approx(bootstrap_interval(values, seed=5))


def test_macro_f_gets_an_interval_around_it():
    rng = np.random.default_rng(3)
    target = rng.integers(0, 5, size=400)
    predicted = np.where(rng.random(400) < 0.7, target, rng.integers(0, 5, size=400))
    low, high = bootstrap_statistic(
        lambda rows: macro_f(predicted[rows], target[rows], 5)[0], 400, resamples=300
    )
    assert 0.6 < low < macro_f(predicted, target, 5)[0] < high < 0.9


def test_a_constant_has_an_interval_of_no_width():
    assert bootstrap_interval(np.ones(20)) == (1, 1)
    same = paired_bootstrap_test(np.arange(5.0), np.arange(5.0))
    assert same == (0, (0, 0), 1)


def test_a_paired_test_sees_what_separate_intervals_hide():
    rng = np.random.default_rng(4)
    a = (rng.random(1000) < 0.5).astype(float)
    b = a.copy()
    b[np.flatnonzero(a)[:20]] = 0
    result = paired_bootstrap_test(a, b)
    assert result.difference == pytest.approx(0.02)
    assert 0 < result.interval[0] < 0.02 < result.interval[1]
    assert result.p_value == pytest.approx(2 / 2001)
    mirrored = paired_bootstrap_test(b, a)
    assert mirrored.difference == -result.difference
    assert mirrored.p_value == result.p_value
    assert bootstrap_interval(a)[0] < bootstrap_interval(b)[1]


def test_two_points_in_a_thousand_queries_are_noise():
    rng = np.random.default_rng(5)
    a, b = (
        rng.permutation(np.repeat([1.0, 0.0], [780, 220])),
        rng.permutation(np.repeat([1.0, 0.0], [760, 240])),
    )
    assert paired_bootstrap_test(a, b).p_value > 0.05
    assert mcnemar_exact(a, b) > 0.05


def test_the_paired_test_keeps_its_level():
    rng = np.random.default_rng(6)
    rejected = sum(
        paired_bootstrap_test(rng.random(80), rng.random(80), resamples=300, seed=seed).p_value < 0.05
        for seed in range(300)
    )
    # 15 expected, standard deviation 3.8.
    assert 4 <= rejected <= 30


@settings(max_examples=40, deadline=None)
@given(first=st.integers(0, 5), second=st.integers(0, 5), agreed=st.integers(1, 5))
def test_mcnemar_equals_the_enumeration_of_coin_flips(first, second, agreed):
    a = np.repeat([1, 0, 1], [first, second, agreed])
    b = np.repeat([0, 1, 1], [first, second, agreed])
    flips = first + second
    as_extreme = [
        abs(2 * sum(coins) - flips) >= abs(first - second) for coins in product((0, 1), repeat=flips)
    ]
    assert mcnemar_exact(a, b) == pytest.approx(np.mean(as_extreme))
    assert mcnemar_exact(a, b) == mcnemar_exact(b, a)


def test_mcnemar_survives_many_queries():
    a, b = np.repeat([1, 0], [3000, 3300]), np.repeat([0, 1], [3000, 3300])
    # Normal approximation with continuity correction: z = 299 / sqrt(6300) = 3.767.
    assert mcnemar_exact(a, b) == pytest.approx(1.65e-4, rel=0.02)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: bootstrap_interval(np.array([])), ["values", "at least one"]),
        (lambda: bootstrap_interval(np.array([1.0, np.nan])), ["values", "finite"]),
        (lambda: bootstrap_interval(np.ones((2, 2))), ["values", "[2, 2]"]),
        (lambda: bootstrap_interval(np.ones(3), confidence=95), ["confidence", "95", "(0, 1)"]),
        (lambda: bootstrap_statistic(lambda rows: 0.0, 0), ["at least one"]),
        (lambda: paired_bootstrap_test(np.ones(3), np.ones(4)), ["3", "4", "same queries"]),
        (
            lambda: mcnemar_exact(np.ones(3), np.array([1, 0.5, 0])),
            ["b_hits", "0 or 1", "paired_bootstrap_test"],
        ),
    ],
)
def test_bad_input_is_refused_in_one_line(call, words):
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)
