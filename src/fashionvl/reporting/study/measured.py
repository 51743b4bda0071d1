"""The metrics of a study: every protocol scored for every column and seed, and columns compared on them."""

from dataclasses import dataclass

from fashionvl.evaluation.crossed import CrossedMean, holm
from fashionvl.reporting import metrics
from fashionvl.reporting.metrics import Metric, Protocol
from fashionvl.reporting.papers import PaperTable
from fashionvl.reporting.samples import Sample, read_sample
from fashionvl.reporting.study.estimates import (
    Scores,
    SeedScores,
    added,
    difference,
    recorded_scores,
    score_columns,
)
from fashionvl.reporting.study.gather import Gathered
from fashionvl.reporting.study.records import Difference, mark

LEVEL = 0.05


@dataclass(frozen=True)
class Measured:
    """One protocol of a study.

    Attributes:
        protocol: of the registry, and what the records hold beyond it.
        recorded: metrics that some record holds.
        sample: lined-up arrays; None where no run kept any.
        scores: by column and metric.
        comparable: columns that had to do the same as the reference.
    """

    protocol: Protocol
    recorded: set[str]
    sample: Sample | None
    scores: dict[str, Scores]
    comparable: set[str]

    def metric(self, name: str) -> dict[str, SeedScores]:
        """One metric by column."""
        return {column: found[name] for column, found in self.scores.items() if name in found}

    def differences(self, metric: Metric, reference: str) -> dict[str, Difference]:
        """Every comparable column minus the reference in one metric."""
        return compare_with(self.metric(metric.key), reference, self.comparable, metric.lower_is_better)


def measure(gathered: Gathered) -> dict[str, Measured]:
    """Every protocol of the registry, measured or not, and those that only a record knows.

    Raises:
        InputError: runs were tested on other queries, or an array is unusable.
    """
    runs = [run for column in gathered.columns for run in column.runs if run.usable]
    measured: dict[str, Measured] = {}
    for protocol in metrics.with_recorded((run.shown.stage, run.read.test) for run in runs):
        measured[protocol.name] = (
            _total(protocol, measured) if protocol.total_of else _measure(gathered, protocol)
        )
    return measured


def listed(
    gathered: Gathered, measured: dict[str, Measured], printed: PaperTable
) -> list[tuple[Protocol, Metric]]:
    """The metrics of a study's table: of stages its recipe has, and tested or in the paper's table.

    Totals are listed where the paper prints them. Before anything is known, everything that the stages could
    be tested on.
    """
    stages = {stage.name for stage in gathered.study.recipe.at(gathered.scale)}
    in_paper = {key for column in printed.values() for key in column}
    possible = [one.protocol for one in measured.values() if one.protocol.stage in stages]
    known = [
        protocol
        for protocol in possible
        if any(key.startswith(f"{protocol.name}/") for key in in_paper)
        or (measured[protocol.name].scores and not protocol.total_of)
    ]
    nothing = [one for one in possible if not one.total_of and not one.only_where_run]
    return [
        (protocol, metric)
        for protocol in known or nothing
        for metric in protocol.shown("study")
        if not metric.only_where_recorded
        or metric.key in measured[protocol.name].recorded
        or f"{protocol.name}/{metric.key}" in in_paper
    ]


def _measure(gathered: Gathered, protocol: Protocol) -> Measured:
    runs = gathered.tested(protocol.name)
    recorded = {metrics.parts(key)[1] for run in runs.values() for key in run.test if _is_of(protocol, key)}
    shown = [
        metric
        for metric in protocol.shown("study")
        if not metric.only_where_recorded or metric.key in recorded
    ]
    sample = read_sample(protocol, shown, runs)
    scores = score_columns(sample, protocol.stream) if sample else {}
    for column in gathered.columns:
        if tested := column.tested(protocol.name):
            # Some metrics are of all answers together, and some runs kept no arrays.
            found = scores.setdefault(column.column.id, {})
            for metric in shown:
                found.setdefault(metric.key, recorded_scores(tested, protocol.name, metric.key))
    comparable = _comparable(sample, set(scores), gathered.study.reference.id)
    return Measured(protocol, recorded, sample, scores, comparable)


def _is_of(protocol: Protocol, key: str) -> bool:
    return metrics.parts(key)[0] == protocol.name


def _total(protocol: Protocol, measured: dict[str, Measured]) -> Measured:
    """The sum of two protocols' sums, for the columns that have both."""
    first, second = (measured[name] for name in protocol.total_of)
    scores, others = first.metric(protocol.adds), second.metric(protocol.adds)
    found = {
        column: {"total": added(scores[column], others[column])} for column in scores if column in others
    }
    return Measured(protocol, set(), None, found, first.comparable & second.comparable)


def _comparable(sample: Sample | None, columns: set[str], reference: str) -> set[str]:
    """Columns that had to do the same as the reference with each seed both have."""
    if sample is None:
        return set()
    return {
        column
        for column in columns
        if all(
            sample.same_task((column, seed), (reference, seed))
            for other, seed in sample.scored
            if other == column and (reference, seed) in sample.scored
        )
    }


def compare_with(
    scores: dict[str, SeedScores], reference: str, comparable: set[str], lower_is_better: bool = False
) -> dict[str, Difference]:
    """Every comparable column minus the reference, adjusted over those columns.

    Args:
        scores: of one metric, by column.
        reference: the column compared with.
        comparable: columns that may be.
        lower_is_better: the metric's direction.
    """
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
        column: Difference(
            **apart._asdict(),
            p_adjusted=p,
            real=p < LEVEL,
            mark=mark(apart.value, p < LEVEL, lower_is_better),
        )
        for (column, apart), p in zip(found.items(), adjusted, strict=True)
    }
