"""Bootstrap intervals over queries, and the p-values that go with them."""

from collections.abc import Iterator

import numpy as np

from fashionvl.errors import InputError

# Indices drawn at a time, to bound memory: 2**22 int64 are 32 MiB.
CHUNK = 2**22


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


def resampled_sums(sums: np.ndarray, resamples: int = 2000, seed: int = 0) -> np.ndarray:
    """Totals over units drawn with replacement, from which any statistic of counts follows.

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
    """Return the two-sided p-value of a mean difference of 0, from differences over resampled queries `[B]`.

    Twice the smaller tail beyond 0, with one added to tail and total (Davison and Hinkley 1997, Chapter 4):
    at least `2 / (B + 1)`, and in agreement with the percentile interval.
    """
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
