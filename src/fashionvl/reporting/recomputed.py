"""Metrics recomputed from the items of a test, so that any resample of its queries or products is scored."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from fashionvl.evaluation.recall import DEPTHS, recall_rates
from fashionvl.evaluation.significance import resampled_weights
from fashionvl.reporting.sums import mean_sums, recognition_scores, recognition_sums, weighted_median
from fashionvl.runs.reading import Arrays

CONFIDENCE = 0.95
"""Level of every interval."""

RESAMPLES = 2000

Values = dict[str, np.ndarray]
"""By metric, `[B]` for B resamples."""


@dataclass(frozen=True)
class Scored:
    """The items of one run, of which any resample can be scored.

    Attributes:
        units: K queries, or products with all their photographs.
        score: from `[B, K]` int64 weights, how often each unit is taken, to the metrics of each row.
    """

    units: int
    score: Callable[[np.ndarray], Values]

    def observed(self) -> dict[str, float]:
        """The metrics of the items as they are."""
        values = self.score(np.ones((1, self.units), np.int64))
        return {metric: float(value[0]) for metric, value in values.items()}


def resampled(scored: Scored, stream: int = 0) -> Values:
    """Metrics of `RESAMPLES` resamples with replacement.

    Args:
        scored: items of one run.
        stream: seed of the resampling; the same seed and number of units give the same resamples.

    Returns:
        `[RESAMPLES]` by metric.
    """
    chunks = [scored.score(weights) for weights in resampled_weights(scored.units, RESAMPLES, stream)]
    return {metric: np.concatenate([chunk[metric] for chunk in chunks]) for metric in chunks[0]}


@dataclass(frozen=True)
class Recomputed:
    """A way to compute one or several metrics from per-item arrays.

    Attributes:
        needed: names of the `[N]` arrays of `PROTOCOL.npz`.
        score: from the arrays of runs that were tested on the same items in the same order, and the `[N]`
            unit of each item, to one `Scored` a run; empty where no item has a finite value in all runs.
    """

    needed: tuple[str, ...]
    score: Callable[[list[Arrays], np.ndarray], list[Scored]]


def mean_of(array: str, metric: str | None = None) -> Recomputed:
    """The mean of the finite ones of an array's values.

    A unit without a finite value in some run is left out of all of them: it cannot be compared there.

    Args:
        array: its name.
        metric: key in the record; None where it is the array's name.
    """
    key = metric or array

    def score(runs: list[Arrays], codes: np.ndarray) -> list[Scored]:
        sums = [mean_sums(arrays[array], codes) for arrays in runs]
        kept = np.all([found[:, 1] > 0 for found in sums], axis=0)
        if not kept.any():
            return []
        return [
            _of_sums(found[kept], lambda totals: {key: totals[..., 0] / totals[..., 1]}) for found in sums
        ]

    return Recomputed((array,), score)


def median_of(array: str, metric: str) -> Recomputed:
    """The median of an array's values, which must be finite; a median is no sum, so items are resampled.

    Args:
        array: its name.
        metric: key in the record.
    """

    def of_run(values: np.ndarray, codes: np.ndarray) -> Scored:
        return Scored(
            int(codes.max()) + 1, lambda weights: {metric: weighted_median(values, weights[:, codes])}
        )

    def score(runs: list[Arrays], codes: np.ndarray) -> list[Scored]:
        return [of_run(arrays[array], codes) for arrays in runs]

    return Recomputed((array,), score)


def _recall(runs: list[Arrays], codes: np.ndarray) -> list[Scored]:
    queries = np.bincount(codes)

    def sums(arrays: Arrays) -> np.ndarray:
        return np.stack([*(np.bincount(codes, arrays[hit]) for hit in HITS), queries], axis=1)

    return [_of_sums(sums(arrays), lambda totals: recall_rates(totals, totals[..., -1])) for arrays in runs]


def _recognition(runs: list[Arrays], codes: np.ndarray) -> list[Scored]:
    labels = [arrays[name] for arrays in runs for name in ("predicted", "target")]
    # Classes numbered without gaps: those that never occur would only widen the sums.
    occurring, numbered = np.unique(np.concatenate(labels), return_inverse=True)
    pairs = np.split(numbered, len(labels))
    sums = [
        recognition_sums(predicted, target, codes, len(occurring))
        for predicted, target in zip(pairs[::2], pairs[1::2], strict=True)
    ]
    return [_of_sums(found, partial(recognition_scores, whole=found.sum(0))) for found in sums]


HITS = tuple(f"hit@{k}" for k in DEPTHS)

RECALL = Recomputed(HITS, _recall)
"""`r1`, `r5`, `r10` and `sum_r` in percent, from the chance in [0, 1] of a hit at each depth."""

RECOGNITION = Recomputed(("predicted", "target"), _recognition)
"""`accuracy` in percent, `macro_f` over the classes that occur, in [0, 1], and `sum_c`."""


def _of_sums(sums: np.ndarray, score: Callable[[np.ndarray], Values]) -> Scored:
    """Scores of totals of `[K, F]` sums."""
    return Scored(len(sums), lambda weights: score(weights.astype(sums.dtype) @ sums))
