"""Scores of guessing, or of a simple rule, computed from a run's record or the labels kept beside it."""

from collections.abc import Callable

import numpy as np

from fashionvl.evaluation.recall import DEPTHS, recall_rates
from fashionvl.reporting.recomputed import RECOGNITION
from fashionvl.runs.reading import Run

Chance = Callable[[Run, str], float | None]
"""From a run and a protocol's name to the level, in the metric's unit; None where the record cannot tell."""


def candidates_of(run: Run, protocol: str) -> int | None:
    """Size of a query's gallery, or of its list of one positive and its negatives; None if unknown.

    A gallery's size is in the record under `gallery`, as `{"images": N}` or `{"texts": N}`. The length of a
    list follows from the number of negatives under `candidates`.
    """
    gallery = run.section("gallery").get(protocol)
    if isinstance(gallery, dict):
        found = gallery.get("images", gallery.get("texts"))
        return int(found) if isinstance(found, int | float) and found >= 1 else None
    negatives = sum(run.section("candidates").get(protocol, {}).get("negatives_from", {}).values())
    queries = run.test.get(f"{protocol}/n")
    return 1 + round(negatives / queries) if negatives and queries else None


def random_order(metric: str) -> Chance:
    """R@k and SumR of a random order with one positive: it is among the first k of N with chance k / N."""

    def level(run: Run, protocol: str) -> float | None:
        n = candidates_of(run, protocol)
        if n is None:
            return None
        hits = np.array([min(1.0, k / n) for k in DEPTHS])
        return float(recall_rates(hits, 1.0)[metric])

    return level


def middle_rank(run: Run, protocol: str) -> float | None:
    """Mean and median rank of one positive in a random order: the middle of 1 .. N."""
    n = candidates_of(run, protocol)
    return None if n is None else (n + 1) / 2


def majority(metric: str) -> Chance:
    """Score of always answering the most frequent class of `target [N]`; None without the array."""

    def level(run: Run, protocol: str) -> float | None:
        arrays = run.arrays(protocol, ("target",))
        if arrays is None or not len(arrays["target"]):
            return None
        target = arrays["target"]
        answer = np.full_like(target, np.bincount(target).argmax())
        codes = np.zeros(len(target), np.int64)
        (scored,) = RECOGNITION.score([{"predicted": answer, "target": target}], codes)
        return scored.observed()[metric]

    return level


def recorded(metric: str) -> Chance:
    """Another metric of the same protocol, which the test computed as a simple rule's."""

    def level(run: Run, protocol: str) -> float | None:
        value = run.test.get(f"{protocol}/{metric}")
        return float(value) if isinstance(value, int | float) else None

    return level
