"""The columns of a study against its reference: every cell of the table."""

from fashionvl.reporting.study.estimates import estimate
from fashionvl.reporting.study.gather import Gathered, GatheredColumn, axis_value, masked_picture
from fashionvl.reporting.study.measured import HIGHEST, LISTED, Measured, compare_with, measure
from fashionvl.reporting.study.papers import paper_table
from fashionvl.reporting.study.records import Cell, ColumnReport, Metric, StudyReport
from fashionvl.reporting.study.samples import Sample
from fashionvl.reporting.study.verdicts import NAMES, Judged, judge, verdict

TEST = "paired over {by}, seeds as random (Obuchowski and Rockette 1995, Hillis 2007), Holm over the columns"
TEST_ONE_SEED = "paired bootstrap over {by} of one seed's runs, Holm over the columns"


def compare(gathered: Gathered) -> StudyReport:
    """Compute the report of one study.

    Raises:
        InputError: runs were tested on other queries, or an array is unusable.
    """
    study = gathered.study
    measured = measure(gathered)
    metrics = [
        _metric(name, task, *names, measured[name].sample, len(gathered.seeds))
        for name, task, listed in LISTED
        for names in listed
    ]
    cells = _cells(gathered, metrics, measured)
    judged = judge(study.reference.id, measured, cells)
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


def _metric(
    protocol: str, task: str, key: str, name: str, unit: str, digits: int, sample: Sample | None, seeds: int
) -> Metric:
    clusters = sample.clusters if sample else None
    by = "products" if clusters else "photographs" if protocol in ("m_cr", "s_cr", "mig") else "queries"
    test = (TEST if seeds > 1 else TEST_ONE_SEED).format(by=by)
    return Metric(f"{protocol}/{key}", task, name, unit, digits, sample.n if sample else None, clusters, test)


def _cells(
    gathered: Gathered, metrics: list[Metric], measured: dict[str, Measured]
) -> dict[str, dict[str, Cell]]:
    """By column and metric key."""
    reference = gathered.study.reference.id
    printed = paper_table(gathered.study.paper) if gathered.study.paper else {}
    cells: dict[str, dict[str, Cell]] = {column.column.id: {} for column in gathered.columns}
    for metric in metrics:
        protocol, name = metric.key.split("/")
        scores = measured[protocol].metric(name)
        differences = compare_with(scores, reference, measured[protocol].comparable)
        for column, row in cells.items():
            ours = estimate(scores[column], HIGHEST[name]) if column in scores else None
            paper, base = (printed.get(which, {}).get(metric.key) for which in (column, reference))
            apart = None if paper is None or base is None or column == reference else round(paper - base, 6)
            row[metric.key] = Cell(ours, differences.get(column), paper, apart)
    return cells


def _column(
    gathered: Gathered, column: GatheredColumn, cells: dict[str, Cell], judged: dict[str, list[Judged]]
) -> ColumnReport:
    overlay = column.column.overlay
    return ColumnReport(
        id=column.column.id,
        label=column.column.label,
        overlay=overlay.read_text(encoding="utf-8") if overlay else "",
        state=column.state,
        cells=cells,
        verdicts={group: verdict(group, judged[group]) for group in NAMES if judged},
        axis=axis_value(gathered.study, column),
        runs=[run.shown for run in column.runs],
        picture=masked_picture(column),
    )
