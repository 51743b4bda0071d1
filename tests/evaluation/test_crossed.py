"""Several seeds on the same queries: the test keeps its level, and sees what is there."""

import numpy as np
import pytest
from scipy import stats

from fashionvl.errors import InputError
from fashionvl.evaluation.crossed import crossed_mean, detectable_difference, holm
from fashionvl.evaluation.significance import percentiles, resampled_weights


def resampled_means(differences: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """`[B, S]` of `[S, Q]`."""
    queries = differences.shape[1]
    return np.concatenate([w @ differences.T / queries for w in resampled_weights(queries, resamples, seed)])


def test_one_seed_is_the_query_bootstrap():
    values = np.random.default_rng(0).normal(0.1, 1, 80)
    draws = resampled_means(values[None], 2000, 0)
    found = crossed_mean(np.array([values.mean()]), draws)
    assert found.interval == percentiles(draws[:, 0], 0.95)
    assert found.detectable is None
    assert found.p_value == pytest.approx(2 * ((draws <= 0).sum() + 1) / 2001)


def paired(a, b, resamples=2000, seed=0):
    """Two systems with one seed each on the same queries."""
    return crossed_mean(np.array([(a - b).mean()]), resampled_means((a - b)[None], resamples, seed))


def test_a_paired_test_sees_what_separate_intervals_hide():
    rng = np.random.default_rng(4)
    a = (rng.random(1000) < 0.5).astype(float)
    b = a.copy()
    b[np.flatnonzero(a)[:20]] = 0
    result, mirrored = paired(a, b), paired(b, a)
    assert result.value == pytest.approx(0.02)
    assert 0 < result.interval[0] < 0.02 < result.interval[1]
    assert result.p_value == mirrored.p_value == pytest.approx(2 / 2001)
    assert mirrored.value == -result.value
    lower, upper = (percentiles(resampled_means(one[None], 2000, 0)[:, 0], 0.95) for one in (a, b))
    assert lower[0] < upper[1]


def test_two_points_in_a_thousand_queries_are_noise():
    rng = np.random.default_rng(5)
    a = rng.permutation(np.repeat([1.0, 0.0], [780, 220]))
    b = rng.permutation(np.repeat([1.0, 0.0], [760, 240]))
    assert paired(a, b).p_value > 0.05


def test_one_seed_keeps_its_level_over_queries():
    rng = np.random.default_rng(6)
    rejected = sum(paired(rng.random(80), rng.random(80), 300, seed).p_value < 0.05 for seed in range(300))
    # 15 expected, standard deviation 3.8.
    assert 4 <= rejected <= 30


def test_seeds_that_all_queries_agree_on_give_the_t_test_of_the_seeds():
    by_seed = np.array([1.0, 2.0, 4.0])
    found = crossed_mean(by_seed, np.tile(by_seed, (50, 1)))
    expected = stats.ttest_1samp(by_seed, 0)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.interval == pytest.approx(tuple(expected.confidence_interval(0.95)))
    # Standard error sqrt(7 / 9), two degrees of freedom: t is 4.3027 at 0.975 and 1.0607 at 0.8.
    assert found.detectable == pytest.approx((4.3027 + 1.0607) * 0.88192, rel=1e-4)


def test_seeds_that_agree_leave_the_doubt_of_the_queries():
    values = np.random.default_rng(1).normal(0, 1, 400)
    same = np.tile(values, (3, 1))
    low, high = crossed_mean(same.mean(1), resampled_means(same, 4000, 0)).interval
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.05)


def test_nothing_varies():
    assert crossed_mean(np.zeros(3), np.zeros((99, 3))) == (0, (0, 0), 1, 0)
    found = crossed_mean(np.full(3, 2.0), np.full((99, 3), 2.0))
    assert found.interval == (2, 2)
    assert found.p_value == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("of_seeds", "of_queries", "of_both", "least"),
    # 15 of 300 expected, standard deviation 3.8; fewer where the floor rules.
    [(0.1, 0.0, 0.1, 5), (0.0, 0.5, 0.1, 5), (0.03, 0.3, 0.5, 1)],
)
def test_equal_systems_are_called_different_one_time_in_twenty(of_seeds, of_queries, of_both, least):
    rng = np.random.default_rng(2)
    found = 0
    for round_ in range(300):
        noise = (
            rng.normal(0, of_seeds, (3, 1))
            + rng.normal(0, of_queries, (1, 50))
            + rng.normal(0, of_both, (3, 50))
        )
        found += crossed_mean(noise.mean(1), resampled_means(noise, 200, round_)).p_value < 0.05
    assert least <= found <= 28


def test_a_large_difference_is_seen():
    rng = np.random.default_rng(3)
    differences = 0.5 + rng.normal(0, 0.02, (3, 1)) + rng.normal(0, 0.3, (3, 100))
    found = crossed_mean(differences.mean(1), resampled_means(differences, 500, 0))
    assert found.p_value < 0.01
    assert 0 < found.interval[0] < 0.5 < found.interval[1]


def test_detectable_difference_by_hand():
    # The multiplier 2.8 of Bloom (1995) for many degrees of freedom, 90 % power: 3.24; 10 of them: 3.11.
    assert detectable_difference(1.0, 1e6) == pytest.approx(1.960 + 0.842, abs=1e-3)
    assert detectable_difference(1.0, 1e6, power=0.9) == pytest.approx(1.960 + 1.282, abs=1e-3)
    assert detectable_difference(2.0, 10) == pytest.approx(2 * (2.228 + 0.879), abs=2e-3)


@pytest.mark.parametrize(("seeds", "least", "most"), [(3, 0.69, 0.82), (8, 0.75, 0.86)])
def test_a_detectable_difference_is_found_four_times_in_five(seeds, least, most):
    """Seeds and queries vary as in a table; the true difference is detectable by the true variance."""
    rng, trials, queries = np.random.default_rng(7), 300, 60
    of_seeds, of_queries, of_both = 0.15, 0.3, 0.5
    variance = of_seeds**2 / seeds + of_queries**2 / queries + of_both**2 / (seeds * queries)
    within = of_seeds**2 / seeds + of_both**2 / (seeds * queries)
    true = detectable_difference(variance**0.5, (seeds - 1) * (variance / within) ** 2)
    found = 0
    for trial in range(trials):
        differences = (
            true
            + rng.normal(0, of_seeds, (seeds, 1))
            + rng.normal(0, of_queries, (1, queries))
            + rng.normal(0, of_both, (seeds, queries))
        )
        found += crossed_mean(differences.mean(1), resampled_means(differences, 200, trial)).p_value < 0.05
    # Standard deviation over 300 trials: 2.3 %; with three seeds the formula itself lacks about 5 %.
    assert least <= found / trials <= most


def test_holm_by_hand():
    # Sorted .01 .02 .03 .5, times 4 3 2 1: .04 .06 .06 .5.
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([0.6, 0.9]) == [1, 1]
    assert holm([]) == []


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: crossed_mean(np.zeros(2), np.zeros((9, 3))), ["resampled", "[9, 3]", "[2]"]),
        (lambda: crossed_mean(np.zeros(2), np.zeros((9, 2)), 95), ["confidence", "95"]),
    ],
)
def test_bad_input_is_refused_in_one_line(call, words):
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)
