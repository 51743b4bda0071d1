"""Gains and losses of each column against the reference, ours and the paper's, one small plot a metric."""

import math
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from fashionvl.reporting.axes import grid, label_below
from fashionvl.reporting.canvas import BLUE, FONT, INK, ORANGE, PAGE, QUIET
from fashionvl.reporting.metrics import known
from fashionvl.reporting.page.drawing import LABEL_SIZE, Picture, panel, row_panel, svg_picture
from fashionvl.reporting.study.formatting import MINUS, signed, signed_span
from fashionvl.reporting.study.records import Cell, ColumnReport, Difference, Mark, Metric, StudyReport

SHORT_LABEL = 6
"""Longer labels do not fit under an axis; the value stands there instead."""

GAP = 0.16
"""Between ours and the paper's, in rows or in distances of neighbouring points."""


@dataclass(frozen=True)
class _Point:
    """One column in one plot; `x` is its place, on an axis or in the order of the table."""

    column: ColumnReport
    x: float
    cell: Cell


def difference_panels(study: StudyReport) -> list[Picture]:
    """A plot for each metric that the registry has plotted and any column has a difference in."""
    places = axis_places(study)
    panels = []
    for metric in study.metrics:
        cells = {column.id: column.cells.get(metric.key, Cell()) for column in study.columns}
        if "plot" in known(metric.key).shown and any(cell.difference for cell in cells.values()):
            panels.append(_along_axis(study, metric, places) if places else _in_rows(study, metric))
    return panels


def axis_places(study: StudyReport) -> dict[str, float] | None:
    """Each column's value on the study's axis; None where the study has no axis, or a column no value yet."""
    if not study.axis_label:
        return None
    places = {column.id: column.axis for column in study.columns}
    known = {name: value for name, value in places.items() if value is not None}
    return known if len(known) >= 2 and study.reference in known else None


def steps_by_doubling(values: list[float]) -> bool:
    """Return whether an axis reads best by powers of two."""
    return len(values) > 2 and all(value > 0 and math.log2(value).is_integer() for value in values)


def _along_axis(study: StudyReport, metric: Metric, places: dict[str, float]) -> Picture:
    figure, axes = panel()
    doubling = steps_by_doubling(list(places.values()))
    points = [
        _Point(column, _place(places[column.id], doubling), column.cells.get(metric.key, Cell()))
        for column in study.columns
        if column.id in places
    ]
    points.sort(key=lambda point: point.x)
    apart = GAP * min((b.x - a.x for a, b in pairwise(points)), default=1.0)
    axes.axhline(0, color=QUIET, linewidth=0.8, zorder=1)
    _curve(axes, study, points, apart)
    for point in points:
        _mark(axes, point, point.column.id == study.reference, apart, upright=True)
    axes.xaxis.set_major_locator(FixedLocator([point.x for point in points]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([_tick(point.column, places) for point in points], fontfamily=FONT)
    label_below(axes, study.axis_label, LABEL_SIZE)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    grid(axes, "y")
    return svg_picture(figure, title_of(metric), _in_words(study, metric))


def _curve(axes: Axes, study: StudyReport, points: list[_Point], apart: float) -> None:
    """Thin lines to follow through the markers; the reference lies at zero in both."""
    zero = study.reference
    ours = [(p.x, _value(p, zero, p.cell.difference.value if p.cell.difference else None)) for p in points]
    paper = [(p.x + apart, _value(p, zero, p.cell.paper_difference)) for p in points]
    for line, colour, style in ((ours, INK, "-"), (paper, QUIET, ":")):
        known = [(x, y) for x, y in line if y is not None]
        # The reference alone is no curve.
        if len(known) > 1:
            axes.plot(*zip(*known, strict=True), color=colour, linestyle=style, linewidth=0.9, zorder=2)


def _value(point: _Point, reference: str, difference: float | None) -> float | None:
    return 0.0 if point.column.id == reference else difference


def _in_rows(study: StudyReport, metric: Metric) -> Picture:
    compared = [column for column in study.columns if _is_compared(column)]
    figure, axes = row_panel([column.id for column in compared], f"difference to {study.reference}")
    points = [_Point(c, row, c.cells.get(metric.key, Cell())) for row, c in enumerate(compared)]
    axes.axvline(0, color=QUIET, linewidth=0.8, zorder=1)
    for point in points:
        _mark(axes, point, is_reference=False, apart=GAP, upright=False)
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    return svg_picture(figure, title_of(metric), _in_words(study, metric))


def _is_compared(column: ColumnReport) -> bool:
    return any(cell.difference or cell.paper_difference is not None for cell in column.cells.values())


def _mark(axes: Axes, point: _Point, is_reference: bool, apart: float, upright: bool) -> None:
    """Ours with its interval, the paper's hollow beside it; the reference as a square at zero."""
    if is_reference:
        axes.plot(*_at(point.x, 0.0, upright), "s", color=INK, markersize=6.5, zorder=5)
        return
    found = point.cell.difference
    if found:
        colour, marker = look(found)
        x = point.x if upright else point.x - apart
        ends = [_at(x, end, upright) for end in found.interval]
        axes.plot(*zip(*ends, strict=True), color=colour, linewidth=1.6, zorder=3)
        axes.plot(*_at(x, found.value, upright), marker, color=colour, markersize=6.5, zorder=4)
    if point.cell.paper_difference is not None:
        at = _at(point.x + apart, point.cell.paper_difference, upright)
        axes.plot(*at, "o", markersize=5, markerfacecolor=PAGE, markeredgecolor=QUIET, zorder=3)


def _at(place: float, value: float, upright: bool) -> tuple[list[float], list[float]]:
    return ([place], [value]) if upright else ([value], [place])


def look(difference: Difference | None) -> tuple[str, str]:
    """The colour and marker that the tables use, too."""
    mark: Mark = difference.mark if difference else "same"
    return {"same": (QUIET, "o"), "better": (BLUE, "^"), "worse": (ORANGE, "v")}[mark]


def _place(value: float, doubling: bool) -> float:
    return math.log2(value) if doubling else value


def _tick(column: ColumnReport, places: dict[str, float]) -> str:
    label = column.label if len(column.label) <= SHORT_LABEL else f"{places[column.id]:g}"
    return f"{label.replace('-', MINUS)}\n{column.id}".replace("$", r"\$")


def title_of(metric: Metric) -> str:
    """Task, name and unit, and the direction where lower is better."""
    unit = f", {metric.unit}" if metric.unit not in ("", "%") else ""
    return f"{metric.task} {metric.name}{unit}{', lower is better' if metric.lower_is_better else ''}"


def _in_words(study: StudyReport, metric: Metric) -> str:
    """Every number of the plot, for readers who cannot see it."""
    said = []
    for column in study.columns:
        cell = column.cells.get(metric.key, Cell())
        if cell.difference is None:
            continue
        value, digits = cell.difference, metric.digits
        line = f"{column.id} {signed(value.value, digits)} {signed_span(value.interval, digits)}"
        if cell.paper_difference is not None:
            line += f", paper {signed(cell.paper_difference, digits)}"
        said.append(line)
    return f"{title_of(metric)}, difference to {study.reference} with 95 % interval: {'; '.join(said)}"
