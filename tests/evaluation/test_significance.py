"""Intervals cover and agree with exact computations; p-values by hand."""

import numpy as np
import pytest

from fashionvl.errors import InputError
from fashionvl.evaluation import significance
from fashionvl.evaluation.significance import percentiles, resampled_weights, two_sided


def bootstrap_interval(values, confidence=0.95, resamples=2000, seed=0):
    """Percentile interval of a mean."""
    draws = [weights @ values / len(values) for weights in resampled_weights(len(values), resamples, seed)]
    return percentiles(np.concatenate(draws), confidence)


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


def test_a_constant_has_an_interval_of_no_width():
    assert bootstrap_interval(np.ones(20)) == pytest.approx((1, 1))


def test_the_p_value_by_hand():
    # Two of nine at or below 0: 2 * (2 + 1) / (9 + 1).
    assert two_sided(np.array([-1, 0, 1, 2, 3, 4, 5, 6, 7])) == pytest.approx(0.6)
    assert two_sided(-np.arange(1, 100)) == pytest.approx(0.02)
    assert two_sided(np.zeros(9)) == 1


def test_units_are_resampled_with_replacement():
    (found,) = resampled_weights(5, 400, seed=1)
    assert found.shape == (400, 5)
    assert (found.sum(1) == 5).all()
    assert found.mean(0) == pytest.approx(np.ones(5), abs=0.2)
    assert found.max() >= 3


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: next(resampled_weights(0)), ["units", "at least one"]),
        (lambda: percentiles(np.ones(3), 95), ["confidence", "95", "(0, 1)"]),
    ],
)
def test_bad_input_is_refused_in_one_line(call, words):
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)
