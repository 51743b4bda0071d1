"""95 % bootstrap intervals from the arrays that a test left beside its record."""

import numpy as np

from fashionvl.evaluation.significance import bootstrap_interval, percentiles, resampled_sums
from fashionvl.reporting.sums import (
    CAPTION_MEANS,
    DEPTHS,
    Score,
    mean_scores,
    mean_sums,
    products,
    recognition_scores,
    recognition_sums,
    unit_codes,
)
from fashionvl.runs.reading import Run

CONFIDENCE = 0.95
RESAMPLES = 2000

Interval = tuple[float, float]
"""Low and high end, in the unit of the score."""

Intervals = dict[str, Interval]
"""By metric; empty where the run kept nothing query by query."""


def retrieval_intervals(run: Run, name: str) -> Intervals:
    """Of R@k and SumR in percent, over queries, from `hit@k [Q]` in [0, 1]."""
    arrays = run.arrays(name, tuple(f"hit@{k}" for k in DEPTHS))
    if arrays is None:
        return {}
    hits = {f"r{k}": 100 * arrays[f"hit@{k}"] for k in DEPTHS}
    hits["sum_r"] = np.sum(list(hits.values()), axis=0)
    return {metric: bootstrap_interval(values, CONFIDENCE, RESAMPLES) for metric, values in hits.items()}


def recognition_intervals(run: Run, name: str) -> Intervals:
    """Of accuracy in percent, macro-F and SumC, from `predicted [N]` and `target [N]`.

    Products are resampled with all their photographs, which are alike; photographs where an older test did
    not keep `product_id`.
    """
    arrays = run.arrays(name, ("predicted", "target"))
    if arrays is None:
        return {}
    predicted, target = arrays["predicted"], arrays["target"]
    codes = unit_codes(products(run, name), len(target))
    classes = int(max(predicted.max(), target.max())) + 1
    return _intervals(recognition_sums(predicted, target, codes, classes), recognition_scores)


def generation_intervals(run: Run, name: str, metrics: tuple[str, ...]) -> Intervals:
    """Of means over photographs, from one `[N]` array a metric; products are resampled as for recognition.

    Photographs for which a metric is not finite are left out of it.
    """
    arrays = run.arrays(name, metrics)
    if arrays is None:
        return {}
    found: Intervals = {}
    for metric, values in arrays.items():
        sums = mean_sums(values, unit_codes(products(run, name), len(values)))
        known = sums[sums[:, 1] > 0]
        if len(known):
            found |= _intervals(known, mean_scores(metric))
    return found


def captioning_intervals(run: Run, name: str) -> Intervals:
    """Of `CAPTION_MEANS`, from one `[N]` array a metric; products are resampled as for recognition."""
    return generation_intervals(run, name, CAPTION_MEANS)


def macro_f(predicted: np.ndarray, target: np.ndarray) -> float:
    """Mean F1 over the classes that occur in either of two `[N]` arrays, as in MVLT's released evaluation."""
    classes = int(max(predicted.max(), target.max())) + 1
    totals = recognition_sums(predicted, target, np.zeros(len(target), np.int64), classes)[0]
    return float(recognition_scores(totals)["macro_f"])


def majority_baseline(run: Run, name: str) -> dict[str, float]:
    """What always answering the most frequent class of `target [N]` scores; empty without the array."""
    arrays = run.arrays(name, ("target",))
    if arrays is None:
        return {}
    target = arrays["target"]
    answer = np.full_like(target, np.bincount(target).argmax())
    accuracy, f = 100 * float((answer == target).mean()), macro_f(answer, target)
    return {"accuracy": accuracy, "macro_f": f, "sum_c": accuracy + 100 * f}


def _intervals(sums: np.ndarray, score: Score) -> Intervals:
    """Percentiles of each metric, from sums `[K, F]`."""
    draws = score(resampled_sums(sums, RESAMPLES))
    return {metric: percentiles(values, CONFIDENCE) for metric, values in draws.items()}
