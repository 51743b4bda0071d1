"""The metrics of a study: every protocol scored for every column and seed, and columns compared on them."""

import math
from dataclasses import dataclass

from fashionvl.evaluation.crossed import CrossedMean, holm
from fashionvl.reporting.study.estimates import (
    Scores,
    SeedScores,
    added,
    difference,
    recorded_scores,
    score_columns,
)
from fashionvl.reporting.study.gather import Gathered
from fashionvl.reporting.study.papers import PaperTable
from fashionvl.reporting.study.records import Difference
from fashionvl.reporting.study.samples import Sample, read_sample

LEVEL = 0.05

Names = tuple[str, str, str, int]
"""Of a metric: in the record, in the table, its unit, digits after the point."""

RANKING = (("r1", "R@1", "%", 1), ("r5", "R@5", "%", 1), ("r10", "R@10", "%", 1), ("sum_r", "SumR", "", 1))
CLASSES = (("accuracy", "accuracy", "%", 2), ("macro_f", "macro-F", "", 3), ("sum_c", "SumC", "", 2))
HIDDEN = (("psnr_masked", "PSNR hidden", "dB", 2),)
CAPTIONS = (
    *(("bleu4", "BLEU-4", "", 1), ("meteor", "METEOR", "", 1), ("rouge_l", "ROUGE-L", "", 1)),
    *(("cider", "CIDEr", "", 1), ("sum_cap", "SumCAP", "", 1)),
)


@dataclass(frozen=True)
class Protocol:
    """A test and its place in the table.

    Attributes:
        name: in the record.
        task: in the table.
        stage: of a recipe whose runs are tested so.
        metrics: in order.
        total_of: protocols whose sums it adds up; empty for a test of its own.
    """

    name: str
    task: str
    stage: str
    metrics: tuple[Names, ...]
    total_of: tuple[str, ...] = ()


PROTOCOLS = (
    Protocol("tir", "TIR", "pretrain", RANKING),
    Protocol("itr", "ITR", "pretrain", RANKING),
    Protocol("retrieval", "ITR+TIR", "pretrain", (("total", "SumR", "", 1),), ("tir", "itr")),
    Protocol("m_cr", "M-CR", "recognition", CLASSES),
    Protocol("s_cr", "S-CR", "recognition", CLASSES),
    Protocol("recognition", "CR+SUB", "recognition", (("total", "SumCLS", "", 2),), ("m_cr", "s_cr")),
    Protocol("mig", "MIG", "pretrain", HIDDEN),
    Protocol("captioning", "FC", "captioning", CAPTIONS),
)
"""In the order of the tables; the totals are those of Kaleido-BERT Table 4."""

STREAMS = {"tir": 0, "itr": 1, "m_cr": 2, "s_cr": 2, "mig": 4, "captioning": 5}
"""Seeds of the resampling: another for each protocol, whose queries are others.

Both labels are of the same photographs, which are drawn together, as their sum needs it.
"""

ADDED = {"retrieval": "sum_r", "recognition": "sum_c"}
"""What a total adds up."""

HIGHEST = {
    "r1": 100, "r5": 100, "r10": 100, "sum_r": 300, "retrieval/total": 600,
    "accuracy": 100, "macro_f": 1, "sum_c": 200, "recognition/total": 400, "psnr_masked": math.inf,
    "bleu4": 100, "meteor": 100, "rouge_l": 100, "cider": 1000, "sum_cap": 1300,
}  # fmt: skip
"""By metric, or by protocol and metric; CIDEr goes to 10, and is printed times 100 as the others are."""


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


def highest(protocol: str, metric: str) -> float:
    """The value that a metric can have."""
    return HIGHEST.get(f"{protocol}/{metric}", HIGHEST.get(metric, math.inf))


def measure(gathered: Gathered) -> dict[str, Measured]:
    """Every protocol of `PROTOCOLS`, measured or not.

    Raises:
        InputError: runs were tested on other queries, or an array is unusable.
    """
    measured: dict[str, Measured] = {}
    for protocol in PROTOCOLS:
        measured[protocol.name] = (
            _total(protocol, measured) if protocol.total_of else _measure(gathered, protocol)
        )
    return measured


def listed(gathered: Gathered, measured: dict[str, Measured], printed: PaperTable) -> list[Protocol]:
    """The protocols of a study's table: of stages its recipe has, and tested or in the paper's table.

    Totals are listed where the paper prints them. Before anything is known, everything that the stages could
    be tested on.
    """
    stages = {stage.name for stage in gathered.study.recipe.at(gathered.scale)}
    possible = [protocol for protocol in PROTOCOLS if protocol.stage in stages]
    in_paper = {key.split("/")[0] for column in printed.values() for key in column}
    tested = {protocol.name for protocol in PROTOCOLS if measured[protocol.name].scores}
    known = [
        protocol
        for protocol in possible
        if protocol.name in in_paper or (protocol.name in tested and not protocol.total_of)
    ]
    return known or [protocol for protocol in possible if not protocol.total_of]


def _measure(gathered: Gathered, protocol: Protocol) -> Measured:
    runs = gathered.tested(protocol.name)
    sample = read_sample(protocol.name, runs)
    scores = score_columns(sample, STREAMS[protocol.name]) if sample else {}
    for column in gathered.columns:
        if tested := column.tested(protocol.name):
            # Some metrics are of all answers together, and some runs kept no arrays.
            found = scores.setdefault(column.column.id, {})
            for metric, *_ in protocol.metrics:
                if metric not in found:
                    found[metric] = recorded_scores(tested, protocol.name, metric)
    return Measured(sample, scores, _comparable(sample, set(scores), gathered.study.reference.id))


def _total(protocol: Protocol, measured: dict[str, Measured]) -> Measured:
    """The sum of two protocols' sums, for the columns that have both."""
    first, second = (measured[name] for name in protocol.total_of)
    metric = ADDED[protocol.name]
    scores, others = first.metric(metric), second.metric(metric)
    found = {
        column: {"total": added(scores[column], others[column])} for column in scores if column in others
    }
    return Measured(None, found, first.comparable & second.comparable)


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
