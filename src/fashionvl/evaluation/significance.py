"""Bootstrap intervals over queries, and the p-values that go with them."""

from collections.abc import Iterator

import numpy as np

from fashionvl.errors import InputError

# Indices drawn at a time, to bound memory: 2**22 int64 are 32 MiB.
CHUNK = 2**22


def resampled_weights(units: int, resamples: int = 2000, seed: int = 0) -> Iterator[np.ndarray]:
    """Count how often each of K units is taken in each of B resamples with replacement.

    Units are what is independent: queries, or products of which several photographs were tested (a cluster
    bootstrap, Davison and Hinkley 1997, Section 3.8).

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
        raise InputError("units: a bootstrap needs at least one unit")
    rng, at_a_time = np.random.default_rng(seed), max(1, CHUNK // units)
    for done in range(0, resamples, at_a_time):
        rows = min(at_a_time, resamples - done)
        cells = rng.integers(0, units, size=(rows, units)) + units * np.arange(rows)[:, None]
        yield np.bincount(cells.ravel(), minlength=rows * units).reshape(rows, units)


def two_sided(draws: np.ndarray) -> float:
    """Return the two-sided p-value of a mean difference of 0, from differences over resampled queries `[B]`.

    Twice the smaller tail beyond 0, with one added to tail and total (Davison and Hinkley 1997, Chapter 4):
    at least `2 / (B + 1)`, and in agreement with the percentile interval.
    """
    tail = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(draws) + 1))


def percentiles(draws: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return the ends of the middle `confidence` of resampled values `[B]`.

    The percentile interval of Efron and Tibshirani 1993, Chapter 13.

    Raises:
        InputError: `confidence` is outside (0, 1).
    """
    if not 0 < confidence < 1:
        raise InputError(f"confidence: {confidence} is outside (0, 1)")
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
