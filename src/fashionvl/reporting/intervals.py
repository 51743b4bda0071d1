"""95 % bootstrap intervals from the arrays that a test left beside its record."""

from collections.abc import Callable

import numpy as np

from fashionvl.evaluation.significance import bootstrap_interval, bootstrap_statistic
from fashionvl.reporting.runs import Run

CONFIDENCE = 0.95
RESAMPLES = 2000

DEPTHS = (1, 5, 10)
"""The k of R@k and the depths that SumR adds up (MVLT section 3.3 and the caption of Table 2)."""

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
    return {metric: _of_mean(values) for metric, values in hits.items()}


def recognition_intervals(run: Run, name: str) -> Intervals:
    """Of accuracy in percent, macro-F and SumC, over photographs, from `predicted [N]` and `target [N]`."""
    arrays = run.arrays(name, ("predicted", "target"))
    if arrays is None:
        return {}
    predicted, target = arrays["predicted"], arrays["target"]
    correct = 100.0 * (predicted == target)

    def f(rows: np.ndarray) -> float:
        return macro_f(predicted[rows], target[rows])

    return {
        "accuracy": _of_mean(correct),
        "macro_f": _of_statistic(f, len(target)),
        "sum_c": _of_statistic(lambda rows: correct[rows].mean() + 100 * f(rows), len(target)),
    }


def generation_intervals(run: Run, name: str, metrics: tuple[str, ...]) -> Intervals:
    """Of means over images, from one `[N]` array a metric, leaving out images for which it is not finite."""
    arrays = run.arrays(name, metrics)
    if arrays is None:
        return {}
    finite = {metric: values[np.isfinite(values)] for metric, values in arrays.items()}
    return {metric: _of_mean(values) for metric, values in finite.items() if len(values)}


def macro_f(predicted: np.ndarray, target: np.ndarray) -> float:
    """Mean F1 over the classes that occur in either of two `[N]` arrays, as in MVLT's released evaluation."""
    classes = 1 + max(predicted.max(), target.max())
    hits = np.bincount(target[predicted == target], minlength=classes)
    seen = np.bincount(predicted, minlength=classes) + np.bincount(target, minlength=classes)
    return float((2 * hits[seen > 0] / seen[seen > 0]).mean())


def majority_baseline(run: Run, name: str) -> dict[str, float]:
    """What always answering the most frequent class of `target [N]` scores; empty without the array."""
    arrays = run.arrays(name, ("target",))
    if arrays is None:
        return {}
    target = arrays["target"]
    answer = np.full_like(target, np.bincount(target).argmax())
    accuracy, f = 100 * float((answer == target).mean()), macro_f(answer, target)
    return {"accuracy": accuracy, "macro_f": f, "sum_c": accuracy + 100 * f}


def _of_mean(values: np.ndarray) -> Interval:
    return bootstrap_interval(values, CONFIDENCE, RESAMPLES)


def _of_statistic(statistic: Callable[[np.ndarray], float], n: int) -> Interval:
    return bootstrap_statistic(statistic, n, CONFIDENCE, RESAMPLES)
