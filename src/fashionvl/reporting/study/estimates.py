"""From per-query values of several seeds to estimates and differences with intervals."""

import math
from dataclasses import dataclass

import numpy as np

from fashionvl.evaluation.crossed import CrossedMean, crossed_mean
from fashionvl.reporting.metrics import Metric
from fashionvl.reporting.recomputed import CONFIDENCE, resampled
from fashionvl.reporting.samples import Sample
from fashionvl.reporting.study.records import Estimate, Interval
from fashionvl.runs.reading import Run

ABSOLUTE_ZERO = 1e-9
"""Differences of the order of rounding are none: equal systems must not differ in the sixteenth digit."""


@dataclass(frozen=True)
class SeedScores:
    """One metric of one column.

    Attributes:
        values: by seed, in the metric's unit.
        draws: `[B]` by seed, with queries resampled, the same draw for every seed and column; empty where the
            runs kept nothing query by query.
    """

    values: dict[int, float]
    draws: dict[int, np.ndarray]

    def matrices(self, seeds: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Values `[S]` and draws `[B, S]` of some seeds, which must have draws."""
        return np.array([self.values[seed] for seed in seeds]), np.stack(
            [self.draws[seed] for seed in seeds], axis=1
        )


Scores = dict[str, SeedScores]
"""By metric of one protocol."""


def score_columns(sample: Sample, stream: int) -> dict[str, Scores]:
    """Scores of every column of a sample.

    Args:
        sample: one protocol of a study.
        stream: seed of the resampling, another for each protocol: their queries are other queries.
    """
    found: dict[str, dict[str, tuple[dict[int, float], dict[int, np.ndarray]]]] = {}
    for (column, seed), scored in sample.scored.items():
        for one in scored:
            draws = resampled(one, stream)
            for metric, value in one.observed().items():
                by_seed = found.setdefault(column, {}).setdefault(metric, ({}, {}))
                by_seed[0][seed], by_seed[1][seed] = value, draws[metric]
    return {
        column: {metric: SeedScores(*by_seed) for metric, by_seed in metrics.items()}
        for column, metrics in found.items()
    }


def recorded_scores(runs: dict[int, Run], protocol: str, metric: str) -> SeedScores:
    """As the records have it, for runs that kept no arrays."""
    key = f"{protocol}/{metric}"
    values = {seed: float(run.test[key]) for seed, run in runs.items() if key in run.test}
    return SeedScores({seed: value for seed, value in values.items() if math.isfinite(value)}, {})


def added(first: SeedScores, second: SeedScores) -> SeedScores:
    """The sum of two metrics over other queries, for the seeds that have both."""
    seeds = [seed for seed in first.values if seed in second.values]
    draws = [seed for seed in seeds if seed in first.draws and seed in second.draws]
    return SeedScores(
        {seed: first.values[seed] + second.values[seed] for seed in seeds},
        {seed: first.draws[seed] + second.draws[seed] for seed in draws},
    )


def estimate(scores: SeedScores, metric: Metric) -> Estimate | None:
    """Mean over seeds, with its interval cut to what the metric can be; None without a seed.

    Args:
        scores: of one column.
        metric: whose scores.
    """
    seeds = sorted(scores.values)
    if not seeds:
        return None
    values = np.array([scores.values[seed] for seed in seeds])
    interval = None
    if set(seeds) == set(scores.draws):
        low, high = crossed_mean(*scores.matrices(seeds), CONFIDENCE).interval
        interval = (max(metric.lowest, low), min(metric.highest, high))
    sd = float(values.std(ddof=1)) if len(seeds) > 1 else None
    return Estimate(float(values.mean()), interval, {seed: scores.values[seed] for seed in seeds}, sd)


def difference(column: SeedScores, reference: SeedScores) -> CrossedMean | None:
    """Column minus reference for the seeds both have, paired query by query; None where there is none."""
    seeds = common_seeds(column, reference)
    if not seeds:
        return None
    (values, draws), (others, other_draws) = column.matrices(seeds), reference.matrices(seeds)
    return crossed_mean(_clean(values - others), _clean(draws - other_draws), CONFIDENCE)


def common_seeds(column: SeedScores, reference: SeedScores) -> list[int]:
    """Seeds whose queries can be paired."""
    return sorted(set(column.draws) & set(reference.draws))


def _clean(differences: np.ndarray) -> np.ndarray:
    return np.where(np.abs(differences) < ABSOLUTE_ZERO, 0.0, differences)


def cleared(interval: Interval) -> bool:
    """Return whether an interval excludes 0."""
    return interval[0] > 0 or interval[1] < 0
