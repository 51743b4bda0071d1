"""The columns of a study against its reference: every cell of the table."""

from fashionvl.reporting.study.estimates import estimate
from fashionvl.reporting.study.gather import Gathered, GatheredColumn, axis_value, masked_picture
from fashionvl.reporting.study.measured import (
    Measured,
    Names,
    Protocol,
    compare_with,
    highest,
    listed,
    measure,
)
from fashionvl.reporting.study.papers import PaperTable, paper_table
from fashionvl.reporting.study.records import Cell, ColumnReport, Metric, StudyReport
from fashionvl.reporting.study.verdicts import Judged, judge, verdict

TEST = "paired over {by}, seeds as random (Obuchowski and Rockette 1995, Hillis 2007), Holm over the columns"
TEST_ONE_SEED = "paired bootstrap over {by} of one seed's runs, Holm over the columns"

UNITS = {"recognition": "photographs", "captioning": "photographs"}
"""What the tests of a stage are over, where products are unknown and it is not queries."""

UNPAIRED = ("bleu4", "meteor", "sum_cap")
"""Metrics of all captions together, which no single caption has a share of."""


def compare(gathered: Gathered) -> StudyReport:
    """Compute the report of one study.

    Raises:
        InputError: runs were tested on other queries, or an array is unusable.
    """
    study = gathered.study
    measured = measure(gathered)
    printed = paper_table(study.paper) if study.paper else {}
    protocols = listed(gathered, measured, printed)
    metrics = [
        _metric(protocol, measured, len(gathered.seeds), names)
        for protocol in protocols
        for names in protocol.metrics
    ]
    cells = _cells(gathered, metrics, measured, printed)
    judged = judge(study.reference.id, measured, cells, [protocol.name for protocol in protocols])
    return StudyReport(
        name=study.name,
        title=study.title,
        question=study.question,
        source=study.source,
        axis_label=study.axis_label,
        reference=study.reference.id,
        seeds=gathered.seeds,
        metrics=metrics,
        columns=[
            _column(gathered, column, cells[column.column.id], judged.get(column.column.id, {}))
            for column in gathered.columns
        ],
        paper=study.paper,
    )


def _metric(protocol: Protocol, measured: dict[str, Measured], seeds: int, names: Names) -> Metric:
    key, name, unit, digits = names
    sample = measured[protocol.name].sample
    # A total is of the queries of its parts.
    drawn = sample or next((part for other in protocol.total_of if (part := measured[other].sample)), None)
    by = "products" if drawn and drawn.clusters else UNITS.get(protocol.stage, "queries")
    test = (TEST if seeds > 1 else TEST_ONE_SEED).format(by=by)
    return Metric(
        f"{protocol.name}/{key}",
        protocol.task,
        name,
        unit,
        digits,
        sample.n if sample else None,
        sample.clusters if sample else None,
        "" if key in UNPAIRED else test,
    )


def _cells(
    gathered: Gathered, metrics: list[Metric], measured: dict[str, Measured], table: PaperTable
) -> dict[str, dict[str, Cell]]:
    """By column and metric key."""
    study, reference = gathered.study, gathered.study.reference.id
    cells: dict[str, dict[str, Cell]] = {column.column.id: {} for column in gathered.columns}
    for metric in metrics:
        protocol, name = metric.key.split("/")
        scores = measured[protocol].metric(name)
        differences = compare_with(scores, reference, measured[protocol].comparable)
        for column, row in cells.items():
            ours = estimate(scores[column], highest(protocol, name)) if column in scores else None
            paper, base = (
                table.get(study.printed(which), {}).get(metric.key) for which in (column, reference)
            )
            apart = None if paper is None or base is None or column == reference else round(paper - base, 6)
            row[metric.key] = Cell(ours, differences.get(column), paper, apart)
    return cells


def _column(
    gathered: Gathered, column: GatheredColumn, cells: dict[str, Cell], judged: dict[str, list[Judged]]
) -> ColumnReport:
    overlays = [file.read_text(encoding="utf-8") for file in column.column.files]
    return ColumnReport(
        id=column.column.id,
        label=column.column.label,
        overlay="\n".join(overlays),
        state=column.state,
        cells=cells,
        verdicts={group: verdict(group, found) for group, found in judged.items()},
        axis=axis_value(gathered.study, column),
        runs=[run.shown for run in column.runs],
        picture=masked_picture(column),
    )
