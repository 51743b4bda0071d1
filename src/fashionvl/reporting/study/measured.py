"""The metrics of a study: every protocol scored for every column and seed, and columns compared on them."""

import math
from dataclasses import dataclass

from fashionvl.evaluation.crossed import CrossedMean, holm
from fashionvl.reporting.study.estimates import Scores, SeedScores, difference, recorded_scores, score_columns
from fashionvl.reporting.study.gather import Gathered
from fashionvl.reporting.study.records import Difference
from fashionvl.reporting.study.samples import Sample, read_sample

LEVEL = 0.05

RANKING = (("r1", "R@1", "%", 1), ("r5", "R@5", "%", 1), ("r10", "R@10", "%", 1), ("sum_r", "SumR", "", 1))
CLASSES = (("accuracy", "accuracy", "%", 2), ("macro_f", "macro-F", "", 3), ("sum_c", "SumC", "", 2))
HIDDEN = (("psnr_masked", "PSNR hidden", "dB", 2),)

LISTED = (
    ("tir", "TIR", RANKING),
    ("itr", "ITR", RANKING),
    ("m_cr", "M-CR", CLASSES),
    ("s_cr", "S-CR", CLASSES),
    ("mig", "MIG", HIDDEN),
)
"""Protocols and their metrics in the order of the table: name in the record, in the table, unit, digits."""

HIGHEST = {
    "r1": 100, "r5": 100, "r10": 100, "sum_r": 300,
    "accuracy": 100, "macro_f": 1, "sum_c": 200, "psnr_masked": math.inf,
}  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """One protocol of a study.

    Attributes:
        sample: lined-up arrays; None where no run kept any.
        scores: by column and metric.
        comparable: columns that had to do the same as the reference.
    """

    sample: Sample | None
    scores: dict[str, Scores]
    comparable: set[str]

    def metric(self, name: str) -> dict[str, SeedScores]:
        """One metric by column."""
        return {column: found[name] for column, found in self.scores.items()}


def measure(gathered: Gathered) -> dict[str, Measured]:
    """Every protocol of `LISTED`.

    Raises:
        InputError: runs were tested on other queries, or an array is unusable.
    """
    return {
        protocol: _measure(gathered, protocol, [name for name, *_ in names], stream)
        for stream, (protocol, _, names) in enumerate(LISTED)
    }


def _measure(gathered: Gathered, protocol: str, metrics: list[str], stream: int) -> Measured:
    runs = gathered.tested(protocol)
    sample = read_sample(protocol, runs)
    scores = score_columns(sample, stream) if sample else {}
    for column in gathered.columns:
        if column.column.id not in scores and (tested := column.tested(protocol)):
            scores[column.column.id] = {
                metric: recorded_scores(tested, protocol, metric) for metric in metrics
            }
    return Measured(sample, scores, _comparable(sample, set(scores), gathered.study.reference.id))


def _comparable(sample: Sample | None, columns: set[str], reference: str) -> set[str]:
    """Columns that had to do the same as the reference with each seed both have."""
    if sample is None:
        return set()
    return {
        column
        for column in columns
        if all(
            sample.same_task((column, seed), (reference, seed))
            for other, seed in sample.sums
            if other == column and (reference, seed) in sample.sums
        )
    }


def compare_with(
    scores: dict[str, SeedScores], reference: str, comparable: set[str]
) -> dict[str, Difference]:
    """Every comparable column minus the reference, adjusted over those columns."""
    if reference not in scores:
        return {}
    found: dict[str, CrossedMean] = {}
    for column in scores:
        if column != reference and column in comparable:
            apart = difference(scores[column], scores[reference])
            if apart is not None:
                found[column] = apart
    adjusted = holm([apart.p_value for apart in found.values()])
    return {
        column: Difference(*apart, p_adjusted=p, real=p < LEVEL)
        for (column, apart), p in zip(found.items(), adjusted, strict=True)
    }
