"""Several training seeds tested on the same queries: intervals and tests that hold for new ones of both."""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from fashionvl.errors import InputError
from fashionvl.evaluation.significance import percentiles, two_sided

NORMAL = 1e6
"""Degrees of freedom at which Student's t is the normal, to all digits that matter."""

POWER = 0.8
"""Chance of finding a difference of the smallest detectable size (Cohen 1988, Section 2.4)."""


class CrossedMean(NamedTuple):
    """A mean over seeds of a score over queries.

    Attributes:
        value: In the unit of the scores.
        interval: For new seeds and new queries; for new queries alone where there is one seed.
        p_value: Two-sided, of the hypothesis that the true value is 0.
        detectable: Smallest true value that such seeds and queries find with a power of `POWER`; None where
            there is one seed, which does not tell how much seeds vary.
    """

    value: float
    interval: tuple[float, float]
    p_value: float
    detectable: float | None


def crossed_mean(by_seed: np.ndarray, resampled: np.ndarray, confidence: float = 0.95) -> CrossedMean:
    """Mean over S seeds, each tested on the same queries, as readers and cases are crossed in radiology.

    The variance is that of Obuchowski and Rockette (1995) for random readers and cases: the variance of the
    seeds' scores over S, plus the covariance of two seeds over queries, here by resampling the queries; the
    degrees of freedom are those of Hillis (2007, Statistics in Medicine 26). It is never taken below the
    variance over queries of these very seeds, since two or three seeds may agree by luck.

    Why not resample the seeds as well (Owen 2007, the pigeonhole bootstrap): three seeds have ten resamples.
    Where seeds differ more than queries tell, it calls a fifth of equal systems different, even with the
    seeds' part widened by sqrt(S / (S - 1)); this keeps to a twentieth. One seed is left to the query
    bootstrap, which knows nothing of other seeds.

    Args:
        by_seed: `[S]` scores, or differences of two systems trained from the same seeds.
        resampled: `[B, S]`, the same with queries drawn with replacement, one draw for all seeds of a row.
        confidence: Coverage of the interval, in (0, 1).

    Raises:
        InputError: There is no seed, the shapes do not fit, or `confidence` is outside (0, 1).
    """
    seeds = len(by_seed)
    if by_seed.ndim != 1 or not seeds or resampled.ndim != 2 or resampled.shape[1] != seeds:
        raise InputError(
            f"resampled: shape {list(resampled.shape)}, by_seed {list(by_seed.shape)}; use [B, S], [S]"
        )
    if not 0 < confidence < 1:
        raise InputError(f"confidence: {confidence} is outside (0, 1)")
    value = float(by_seed.mean())
    if seeds == 1:
        draws = resampled[:, 0]
        return CrossedMean(value, percentiles(draws, confidence), two_sided(draws), None)
    of_seeds = float(by_seed.var(ddof=1)) / seeds
    covariance = np.cov(resampled, rowvar=False)
    shared = float(covariance.sum() - covariance.trace()) / (seeds * (seeds - 1))
    # The floor: the mean of these seeds over resampled queries.
    variance = max(of_seeds + max(shared, 0.0), float(covariance.mean()))
    if variance <= 0:
        return CrossedMean(value, (value, value), 1.0 if value == 0 else 2 / (len(resampled) + 1), 0.0)
    freedom = (seeds - 1) * (variance / of_seeds) ** 2 if of_seeds > 0 else NORMAL
    error = math.sqrt(variance)
    margin = float(stdtrit(freedom, (1 + confidence) / 2)) * error
    p_value = 2 * float(stdtr(freedom, -abs(value) / error))
    detectable = detectable_difference(error, freedom, confidence)
    return CrossedMean(value, (value - margin, value + margin), p_value, detectable)


def detectable_difference(
    error: float, freedom: float, confidence: float = 0.95, power: float = POWER
) -> float:
    """Smallest true value that a two-sided t-test finds with some power.

    The minimum detectable effect of Bloom (1995, Evaluation Review 19, 547-556): the standard error times the
    sum of Student's t at `1 - alpha / 2` and at the power. With few degrees of freedom it is a little small:
    by the noncentral t the power is 73 % at one, 77 % at two, 79 % at four, instead of 80 %.

    Args:
        error: Standard error, in the unit of the scores.
        freedom: Degrees of freedom of the error, > 0.
        confidence: Coverage of the interval that has to exclude 0: `1 - alpha`, in (0, 1).
        power: In (0, 1).

    Returns:
        In the unit of the scores, >= 0.
    """
    return float(stdtrit(freedom, (1 + confidence) / 2) + stdtrit(freedom, power)) * error


def holm(p_values: list[float]) -> list[float]:
    """Adjust p-values for multiple testing (Holm 1979), which bounds the chance of any false finding.

    The smallest is multiplied by their number, the next by one less, and so on; each is at least the one
    before, at most 1.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted
