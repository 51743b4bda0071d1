"""The columns of a study against its reference: every cell of the table."""

from fashionvl.reporting.metrics import Metric as Known
from fashionvl.reporting.metrics import Protocol
from fashionvl.reporting.papers import PaperTable, paper_table
from fashionvl.reporting.study.estimates import estimate
from fashionvl.reporting.study.gather import Gathered, GatheredColumn, axis_value, masked_picture
from fashionvl.reporting.study.measured import Measured, listed, measure
from fashionvl.reporting.study.power import typical
from fashionvl.reporting.study.records import Cell, ColumnReport, Metric, StudyReport
from fashionvl.reporting.study.verdicts import Judged, judge, verdict

TEST = "paired over {by}, seeds as random (Obuchowski and Rockette 1995, Hillis 2007), Holm over the columns"
TEST_ONE_SEED = "paired bootstrap over {by} of one seed's runs, Holm over the columns"


def compare(gathered: Gathered) -> StudyReport:
    """Compute the report of one study.

    Raises:
        InputError: runs were tested on other queries, or an array is unusable.
    """
    study = gathered.study
    measured = measure(gathered)
    printed = paper_table(study.paper) if study.paper else {}
    shown = listed(gathered, measured, printed)
    cells = _cells(gathered, shown, measured, printed)
    judged = judge(study.reference.id, measured, {protocol.name for protocol, _ in shown}, list(cells))
    return StudyReport(
        name=study.name,
        title=study.title,
        question=study.question,
        source=study.source,
        axis_label=study.axis_label,
        reference=study.reference.id,
        seeds=gathered.seeds,
        metrics=[_metric(*one, measured, len(gathered.seeds), list(cells.values())) for one in shown],
        columns=[
            _column(gathered, column, cells[column.column.id], judged.get(column.column.id, {}))
            for column in gathered.columns
        ],
        paper=study.paper,
    )


def _metric(
    protocol: Protocol,
    known: Known,
    measured: dict[str, Measured],
    seeds: int,
    rows: list[dict[str, Cell]],
) -> Metric:
    sample = measured[protocol.name].sample
    # A total is of the queries of its parts.
    drawn = sample or next((part for other in protocol.total_of if (part := measured[other].sample)), None)
    by = "products" if drawn and drawn.clusters else protocol.items
    is_tested = known.recomputed is not None or protocol.total_of
    key = f"{protocol.name}/{known.key}"
    return Metric(
        key=key,
        task=protocol.task,
        name=known.name,
        unit=known.unit,
        digits=known.digits,
        n=sample.n if sample else None,
        clusters=sample.clusters if sample else None,
        test=(TEST if seeds > 1 else TEST_ONE_SEED).format(by=by) if is_tested else "",
        lower_is_better=known.lower_is_better,
        stage=protocol.stage,
        detectable=typical(row[key].difference for row in rows),
    )


def _cells(
    gathered: Gathered,
    shown: list[tuple[Protocol, Known]],
    measured: dict[str, Measured],
    table: PaperTable,
) -> dict[str, dict[str, Cell]]:
    """By column and metric key."""
    study, reference = gathered.study, gathered.study.reference.id
    cells: dict[str, dict[str, Cell]] = {column.column.id: {} for column in gathered.columns}
    for protocol, metric in shown:
        key = f"{protocol.name}/{metric.key}"
        scores = measured[protocol.name].metric(metric.key)
        differences = measured[protocol.name].differences(metric, reference)
        for column, row in cells.items():
            ours = estimate(scores[column], metric) if column in scores else None
            paper, base = (table.get(study.printed(which), {}).get(key) for which in (column, reference))
            apart = None if paper is None or base is None or column == reference else round(paper - base, 6)
            row[key] = Cell(ours, differences.get(column), paper, apart)
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
        verdicts={group: verdict(found) for group, found in judged.items()},
        axis=axis_value(gathered.study, column),
        runs=[run.shown for run in column.runs],
        picture=masked_picture(column),
    )
