"""Each column's mean with its interval and its seeds, one small plot a metric."""

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from fashionvl.reporting.canvas import INK, PAGE, QUIET, TRACK
from fashionvl.reporting.metrics import known
from fashionvl.reporting.page.differences import look, title_of
from fashionvl.reporting.page.drawing import Picture, row_panel, svg_picture
from fashionvl.reporting.study.formatting import number, span
from fashionvl.reporting.study.power import detectable, is_compared
from fashionvl.reporting.study.records import Cell, ColumnReport, Estimate, Metric, StudyReport

ROOM = 0.05
"""Room left free at either end of the x axis, as a share of what is drawn."""


def mean_panels(study: StudyReport) -> list[Picture]:
    """A plot for each of `plotted`."""
    panels = []
    for metric in plotted(study):
        figure, axes = row_panel(names_of(study, metric), metric.unit)
        draw_means(axes, study, metric)
        panels.append(svg_picture(figure, title_of(metric), _in_words(study, metric)))
    return panels


def plotted(study: StudyReport) -> list[Metric]:
    """The metrics that are drawn: those of plots in which a column is compared with the reference."""
    return [
        metric for metric in study.metrics if "plot" in known(metric.key).shown and is_compared(study, metric)
    ]


def names_of(study: StudyReport, metric: Metric) -> list[str]:
    """Ids of the columns of a plot, from top to bottom."""
    return [column.id for column in _measured(study, metric)]


def draw_means(axes: Axes, study: StudyReport, metric: Metric) -> None:
    """Draw a row a column: its mean, its 95 % interval and a small circle a seed.

    The reference is a square on a line through all rows. The band around it is what would not be seen: half
    as wide as two smallest detectable differences.

    Args:
        axes: with a row for each of `names_of`.
        study: whose columns.
        metric: one of `plotted`.
    """
    drawn = [(column, column.cells[metric.key]) for column in _measured(study, metric)]
    values = [value for _, cell in drawn for value in _extent(cell)]
    room = ROOM * (max(values) - min(values)) or ROOM
    for row, (column, cell) in enumerate(drawn):
        if cell.ours is None:
            continue
        if column.id == study.reference:
            axes.axvline(cell.ours.value, color=QUIET, linewidth=0.8, zorder=2)
            if metric.detectable is not None:
                low, high = cell.ours.value - metric.detectable, cell.ours.value + metric.detectable
                axes.axvspan(low, high, color=TRACK, linewidth=0, zorder=0)
        _row(axes, row, column.id == study.reference, cell, cell.ours)
    axes.set_xlim(min(values) - room, max(values) + room)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.ticklabel_format(axis="x", useOffset=False, style="plain")


def _row(axes: Axes, row: int, is_reference: bool, cell: Cell, ours: Estimate) -> None:
    colour, marker = (INK, "s") if is_reference else look(cell.difference)
    if ours.interval is not None:
        axes.plot(ours.interval, [row, row], color=colour, linewidth=1.6, zorder=3)
    if ours.sd is not None:
        seeds = list(ours.by_seed.values())
        axes.plot(
            seeds, [row] * len(seeds), "o", markersize=4.5, markerfacecolor=PAGE, markeredgecolor=colour,
            zorder=5,
        )  # fmt: skip
    axes.plot([ours.value], [row], marker, color=colour, markersize=6.5, zorder=4)


def _extent(cell: Cell) -> list[float]:
    if cell.ours is None:
        return []
    return [cell.ours.value, *cell.ours.by_seed.values(), *(cell.ours.interval or ())]


def _measured(study: StudyReport, metric: Metric) -> list[ColumnReport]:
    return [
        column for column in study.columns if metric.key in column.cells and column.cells[metric.key].ours
    ]


def _in_words(study: StudyReport, metric: Metric) -> str:
    """Every number of the plot, for readers who cannot see it."""
    said = []
    for column in _measured(study, metric):
        if ours := column.cells[metric.key].ours:
            seeds = ", ".join(number(value, metric.digits) for value in ours.by_seed.values())
            interval = span(ours.interval, metric.digits)
            said.append(f"{column.id} {number(ours.value, metric.digits)} {interval} (seeds {seeds})")
    beside = detectable(metric)
    shaded = f"; smallest difference seen: {beside}" if beside else ""
    return f"{title_of(metric)}, mean with 95 % interval: {'; '.join(said)}{shaded}"
