"""The papers' own differences, laid out as the tables they come from."""

from dataclasses import dataclass
from itertools import groupby

from fashionvl.reporting.study.formatting import table_name
from fashionvl.reporting.study.records import Claim, Report

DIGITS = 2
"""After the point, as the papers print at most, for metrics that our own table lacks."""


@dataclass(frozen=True)
class ClaimHead:
    """A column of such a table.

    Attributes:
        task: of the metric.
        name: of the metric.
        n: queries or photographs assumed.
        digits: after the point.
        first: whether it opens its task.
    """

    task: str
    name: str
    n: int
    digits: int
    first: bool


@dataclass(frozen=True)
class ClaimTable:
    """The claims of one study.

    Attributes:
        title: of the study.
        source: the paper's table, in words; empty when unknown.
        heads: its metrics.
        rows: column id, its label, and a claim for each metric; None where there is no number.
        exceeding: how many leave 0 out of their interval.
        total: how many there are.
    """

    title: str
    source: str
    heads: list[ClaimHead]
    rows: list[tuple[str, str, list[Claim | None]]]
    exceeding: int
    total: int

    @property
    def tasks(self) -> list[tuple[str, int, list[ClaimHead]]]:
        """The heads under their tasks: name, `n` and metrics."""
        groups = groupby(self.heads, lambda head: (head.task, head.n))
        return [(task, n, list(found)) for (task, n), found in groups]


def claim_tables(report: Report) -> list[ClaimTable]:
    """One for each study with claims, in the order of the claims."""
    return [_table(report, name) for name in dict.fromkeys(claim.study for claim in report.claims)]


def _table(report: Report, name: str) -> ClaimTable:
    claims = [claim for claim in report.claims if claim.study == name]
    study = next((study for study in report.studies if study.name == name), None)
    labels = {column.id: column.label for column in study.columns} if study else {}
    digits = {f"{metric.task} {metric.name}": metric.digits for metric in study.metrics} if study else {}
    by_place = {(claim.column, claim.metric): claim for claim in claims}
    metrics = list(dict.fromkeys(claim.metric for claim in claims))
    rows = [
        (column, labels.get(column, ""), [by_place.get((column, metric)) for metric in metrics])
        for column in dict.fromkeys(claim.column for claim in claims)
    ]
    return ClaimTable(
        title=study.title if study else name,
        source=table_name(study.paper) if study and study.paper else "",
        heads=_heads(claims, digits),
        rows=rows,
        exceeding=sum(claim.exceeds for claim in claims),
        total=len(claims),
    )


def _heads(claims: list[Claim], digits: dict[str, int]) -> list[ClaimHead]:
    """The metrics of some claims, with the digits our own table has for them."""
    heads: dict[str, ClaimHead] = {}
    before = ""
    for claim in claims:
        if claim.metric not in heads:
            task, _, name = claim.metric.partition(" ")
            heads[claim.metric] = ClaimHead(
                task, name or task, claim.n, digits.get(claim.metric, DIGITS), task != before
            )
            before = task
    return list(heads.values())


def claim_summary(report: Report) -> list[tuple[str, int, int]]:
    """For each of the papers' tables: its name, how many differences exceed their interval, of how many."""
    counts: dict[str, tuple[int, int]] = {}
    for table in claim_tables(report):
        exceeding, total = counts.get(table.source, (0, 0))
        counts[table.source] = (exceeding + table.exceeding, total + table.total)
    return [(source or "the papers' tables", *count) for source, count in counts.items()]
