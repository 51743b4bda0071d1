"""How much of a number is luck: bootstrap intervals, and paired tests of two systems on the same queries."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from fashionvl.errors import InputError

# Indices drawn at a time, to bound memory: 2**22 int64 are 32 MiB.
CHUNK = 2**22


class PairedDifference(NamedTuple):
    """A difference of means `a - b` over the same queries.

    Attributes:
        difference: The observed difference, in the unit of the values.
        interval: Its bootstrap interval.
        p_value: Two-sided, of the hypothesis that the true difference is 0.
    """

    difference: float
    interval: tuple[float, float]
    p_value: float


def bootstrap_interval(
    values: np.ndarray, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of the mean, resampled with replacement (Efron and Tibshirani 1993, Chapter 13).

    Args:
        values: `[n]`, one number per query: hits, ranks, dB.
        confidence: Coverage, in (0, 1).
        resamples: Number of resamples.
        seed: The same seed gives the same interval.

    Returns:
        Low and high end, in the unit of the values.

    Raises:
        InputError: If `values` is empty, not one-dimensional or not finite, or `confidence` is outside (0,
            1).
    """
    return percentiles(_resampled_means(_checked(values, "values"), resamples, seed), confidence)


def bootstrap_statistic(
    statistic: Callable[[np.ndarray], float],
    n: int,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """As `bootstrap_interval`, for a statistic that is no mean over queries, such as macro-F.

    Args:
        statistic: Maps row indices `[n]` int64, drawn with replacement, to the statistic of those rows.
        n: Number of rows.
        confidence: Coverage, in (0, 1).
        resamples: Number of resamples.
        seed: The same seed gives the same interval.

    Returns:
        Low and high end.

    Raises:
        InputError: If there is no row, or `confidence` is outside (0, 1).
    """
    if n < 1:
        raise InputError("n: a bootstrap needs at least one row")
    draws = [statistic(row) for chunk in _resampled_indices(n, resamples, seed) for row in chunk]
    return percentiles(np.array(draws), confidence)


def paired_bootstrap_test(
    a: np.ndarray, b: np.ndarray, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> PairedDifference:
    """Compare two systems on the same queries by resampling queries, both systems' values together.

    The p-value is twice the smaller tail of the resampled differences beyond 0, with one added to tail and
    total (Davison and Hinkley 1997, Chapter 4), so it is at least `2 / (resamples + 1)` and agrees with the
    interval.

    Args:
        a: `[n]`, one number per query.
        b: `[n]`, of the same queries in the same order.
        confidence: Coverage of the interval, in (0, 1).
        resamples: Number of resamples.
        seed: The same seed gives the same result.

    Raises:
        InputError: If the lengths differ, or as `bootstrap_interval`.
    """
    difference = _checked(a, "a") - _same_length(a, _checked(b, "b"))
    means = _resampled_means(difference, resamples, seed)
    return PairedDifference(float(difference.mean()), percentiles(means, confidence), two_sided(means))


def mcnemar_exact(a_hits: np.ndarray, b_hits: np.ndarray) -> float:
    """Exact McNemar test (1947): do two systems hit on the same queries equally often?

    Under that hypothesis each query they disagree on is won by either with chance 1/2: a binomial test.

    Args:
        a_hits: `[n]` of 0 or 1.
        b_hits: `[n]` of 0 or 1, same queries in the same order.

    Returns:
        Two-sided p-value; 1 when the systems agree everywhere.

    Raises:
        InputError: If a value is neither 0 nor 1 (a tie gives a fraction), or as `paired_bootstrap_test`.
    """
    first, second = _checked(a_hits, "a_hits"), _same_length(a_hits, _checked(b_hits, "b_hits"))
    for name, values in (("a_hits", first), ("b_hits", second)):
        if not np.isin(values, (0, 1)).all():
            raise InputError(f"{name}: hits have to be 0 or 1; fractions need paired_bootstrap_test")
    only_first, only_second = int((first > second).sum()), int((first < second).sum())
    discordant = only_first + only_second
    ways = tail = 1
    for wins in range(min(only_first, only_second)):
        ways = ways * (discordant - wins) // (wins + 1)
        tail += ways
    return min(1.0, 2 * tail / 2**discordant)


def resampled_sums(sums: np.ndarray, resamples: int = 2000, seed: int = 0) -> np.ndarray:
    """Totals over units drawn with replacement, from which any statistic of counts can be had at once.

    Units are what is independent: queries, or products of which several photographs were tested (a cluster
    bootstrap, Davison and Hinkley 1997, Section 3.8).

    Args:
        sums: `[K, F]` float, F quantities of each of K units.
        resamples: Number of resamples, B.
        seed: The same seed and K give the same draws, so that two systems can be paired.

    Returns:
        `[B, F]`, of the same dtype.

    Raises:
        InputError: There is no unit.
    """
    weights = resampled_weights(len(sums), resamples, seed)
    return np.concatenate([chunk.astype(sums.dtype) @ sums for chunk in weights])


def resampled_weights(units: int, resamples: int = 2000, seed: int = 0) -> Iterator[np.ndarray]:
    """How often each of K units is taken in each of B resamples with replacement.

    Args:
        units: Number of units, K.
        resamples: Number of resamples, B.
        seed: The same seed and K give the same draws, so that two systems can be paired.

    Yields:
        `[b, K]` int64, B rows in all; each sums to K.

    Raises:
        InputError: There is no unit.
    """
    if units < 1:
        raise InputError("sums: a bootstrap needs at least one unit")
    for indices in _resampled_indices(units, resamples, seed):
        rows = len(indices)
        cells = indices + units * np.arange(rows)[:, None]
        yield np.bincount(cells.ravel(), minlength=rows * units).reshape(rows, units)


def _checked(values: np.ndarray, name: str) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise InputError(
            f"{name}: shape {list(values.shape)}; use one finite number per query, at least one query"
        )
    return values


def _same_length(other: np.ndarray, values: np.ndarray) -> np.ndarray:
    if len(other) != len(values):
        raise InputError(
            f"paired test: {len(other)} queries against {len(values)}; both need the same queries"
        )
    return values


def _resampled_indices(n: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Row indices `[at most CHUNK // n, n]` at a time, `resamples` rows in all."""
    rng = np.random.default_rng(seed)
    at_a_time = max(1, CHUNK // n)
    for done in range(0, resamples, at_a_time):
        yield rng.integers(0, n, size=(min(at_a_time, resamples - done), n))


def _resampled_means(values: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    chunks = _resampled_indices(len(values), resamples, seed)
    return np.concatenate([values[indices].mean(axis=1) for indices in chunks])


def two_sided(draws: np.ndarray) -> float:
    """P-value, as `paired_bootstrap_test` has it, of resampled differences `[B]`."""
    tail = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(draws) + 1))


def percentiles(draws: np.ndarray, confidence: float) -> tuple[float, float]:
    """Ends of the middle `confidence` of resampled values `[B]`.

    Raises:
        InputError: `confidence` is outside (0, 1).
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence: {confidence} is outside (0, 1)")
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
