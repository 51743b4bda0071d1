"""The smallest difference that a table can show with its seeds and queries."""

from collections.abc import Iterable
from statistics import median

from fashionvl.reporting.metrics import known
from fashionvl.reporting.study.formatting import difference_unit, number
from fashionvl.reporting.study.records import Difference, Metric, StudyReport

ONE_SEED = (
    "The smallest difference that would be seen cannot be given from one seed: how seeds vary is unknown."
)

NONE = "none"
"""Word that stands in place of the difference when seeds vary so much that none would be seen."""


def typical(differences: Iterable[Difference | None]) -> float | None:
    """Median of the columns' smallest detectable differences; None where no column has one.

    The median, since each column's own comes from the variance of its few seeds: the largest of them would
    rest on the least lucky column.
    """
    found = [one.detectable for one in differences if one is not None and one.detectable is not None]
    return median(found) if found else None


def is_compared(study: StudyReport, metric: Metric) -> bool:
    """Return whether any column was compared with the reference in a metric."""
    return any(metric.key in column.cells and column.cells[metric.key].difference for column in study.columns)


def detectable_words(study: StudyReport, metrics: list[Metric], with_task: bool = False) -> str:
    """Say in one sentence what would be seen in some metrics; empty where nothing is compared.

    Args:
        study: whose table.
        metrics: of the table.
        with_task: whether metrics are named with their task.
    """
    if not any(is_compared(study, metric) for metric in metrics):
        return ""
    said = ", ".join(
        f"{metric.task + ' ' if with_task else ''}{metric.name} {detectable(metric)}"
        for metric in metrics
        if metric.detectable is not None
    )
    if not said:
        return ONE_SEED
    return (
        f"Smallest difference to {study.reference} that would be seen with 80 % power (two-sided level 5 %, "
        f"median over the columns): {said}.{_none(metrics)}"
    )


def last_row(study: StudyReport) -> str:
    """Explain the last row of a study's table on the page, or why it has none; empty before anything ran."""
    if any(metric.detectable is not None for metric in study.metrics):
        return (
            f"Last row: the smallest true difference to {study.reference} that would be seen with 80 % power "
            "at a two-sided level of 5 %, before Holm's correction; the median over the columns."
            f"{_none(study.metrics)}"
        )
    return ONE_SEED if any(is_compared(study, metric) for metric in study.metrics) else ""


def detectable(metric: Metric, with_unit: bool = True) -> str:
    """The smallest detectable difference; `NONE` beyond the metric's range, empty where it is unknown."""
    if metric.detectable is None:
        return ""
    if _is_beyond(metric):
        return NONE
    unit = difference_unit(metric.unit) if with_unit else ""
    return f"{number(metric.detectable, metric.digits)} {unit}".rstrip()


def _is_beyond(metric: Metric) -> bool:
    return metric.detectable is not None and metric.detectable > known(metric.key).range


def _none(metrics: list[Metric]) -> str:
    """Explain `NONE` where it stands."""
    explained = f" {NONE.capitalize()}: not even the largest difference that the metric can have."
    return explained if any(_is_beyond(metric) for metric in metrics) else ""
