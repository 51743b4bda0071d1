"""Bars: how many times as fast each plan is, and which stage takes how long."""

import math
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmarks.page.numbers import ratio, significant
from benchmarks.page.style import PLANS, SIZE, WIDTH, axes_at, colours, figure_of
from benchmarks.page.tables import CONTROL
from benchmarks.page.targets import targets
from benchmarks.record import Result
from fashionvl.reporting.canvas import BLUE, GREEN, HAIRLINE, INK, ORANGE, QUIET

LEGEND_COLUMNS = 6
LABELS, RIGHT = 190, 70
"""Pixels left of the bars, for names, and right of them, for numbers."""

ROW, HEADING, FOOT = 21, 25, 34
"""Heights in pixels."""

STAGES = {"data": ORANGE, "forward": BLUE, "backward": "#56b4e9", "optimiser": GREEN}
POWERS = tuple(2.0**power for power in range(-4, 12))


@dataclass(frozen=True)
class _Line:
    """One line of a picture: a work's name, or a plan of it at a height in rows."""

    y: float
    work: str = ""
    row: Result | None = None


def ratio_picture(rows: list[Result]) -> Figure | None:
    """Draw every ratio with its range and its target; None where nothing is compared."""
    compared = [row for row in rows if row.plan != row.against]
    if not compared:
        return None
    lines, height = _stack(compared)
    figure = figure_of(height + FOOT)
    axes = axes_at(figure, LABELS, 0, WIDTH - LABELS - RIGHT, height)
    axes.set_xscale("log")
    least = min(0.9, *(row.ratio_min for row in compared))
    aims = [aim for row in compared for aim in _aims(row)]
    axes.set_xlim(least * 0.92, 1.1 * max(1.3, *aims, *(row.ratio_max for row in compared)))
    axes.set_ylim(height, 0)
    axes.axvline(1, color=QUIET, linewidth=0.9, zorder=2)
    hues = colours([row.plan for row in compared], {**PLANS, CONTROL: HAIRLINE})
    for line in lines:
        if line.row is None:
            _heading(axes, line)
        else:
            _ratio_bar(axes, line.y, line.row, hues[line.row.plan])
    _powers(axes)
    axes.set_xlabel("times as fast as the plan compared with")
    return figure


def _aims(row: Result) -> list[float]:
    return [aim.least_ratio for aim in targets(row) if aim.least_ratio is not None]


def _ratio_bar(axes: Axes, y: float, row: Result, colour: str) -> None:
    axes.barh(y, row.ratio_median - 1, left=1, height=0.62 * ROW, color=colour, zorder=3)
    axes.plot(
        [row.ratio_min, row.ratio_max], [y, y], color=INK, linewidth=1.3, marker="|", markersize=6, zorder=4
    )
    for aim in _aims(row):
        axes.plot([aim, aim], [y - 0.42 * ROW, y + 0.42 * ROW], color=ORANGE, linewidth=2.6, zorder=5)
    is_control = row.plan == CONTROL
    label = f"{row.plan}, {row.precision}" if not is_control else f"control: {row.against} twice"
    _name(axes, y, label)
    missed = row.met is False
    end = max(1.0, row.ratio_max, *_aims(row))
    axes.annotate(
        ratio(row.ratio_median), (end, y), (7, 0), textcoords="offset points", va="center_baseline",
        color=ORANGE if missed else QUIET if is_control else INK, weight="normal" if is_control else "bold",
        annotation_clip=False,
    )  # fmt: skip


def stage_picture(rows: list[Result]) -> Figure | None:
    """Milliseconds an item by stage; None where no stage was timed.

    A plan's bar is as long as its unmarked turns took, cut as its marked ones: marks wait for the device.
    """
    timed = [row for row in rows if row.stages and row.pairs_per_s]
    if not timed:
        return None
    works = list(dict.fromkeys(row.work for row in timed))
    groups = [[row for row in timed if row.work == work] for work in works]
    heights = [HEADING + ROW * len(group) for group in groups]
    names = [stage for row in timed for stage in row.stages or {}]
    hues = colours(names, STAGES)
    shown = [name for name in hues if name in names]
    legend = 10 + 20 * math.ceil(len(shown) / LEGEND_COLUMNS)
    figure = figure_of(legend + sum(heights) + FOOT * len(groups))
    top = float(legend)
    for group, height in zip(groups, heights, strict=True):
        axes = axes_at(figure, LABELS, top, WIDTH - LABELS - RIGHT, height)
        _stage_bars(axes, group, hues)
        top += height + FOOT
    figure.legend(
        handles=[Patch(color=hues[name], label=name) for name in shown],
        loc="upper left", ncols=LEGEND_COLUMNS, bbox_to_anchor=(0, 1),
        borderaxespad=0.2, handlelength=1, handleheight=1, labelcolor=INK,
    )  # fmt: skip
    return figure


def _stage_bars(axes: Axes, group: list[Result], hues: dict[str, str]) -> None:
    lines, height = _stack(group)
    axes.set_ylim(height, 0)
    longest = 0.0
    for line in lines:
        if line.row is None:
            _heading(axes, line)
            continue
        whole = 1000 / (line.row.pairs_per_s or 1)
        stages = line.row.stages or {}
        scale, left = whole / sum(stages.values()), 0.0
        for name, milliseconds in stages.items():
            axes.barh(line.y, milliseconds * scale, left=left, height=0.7 * ROW, color=hues[name], zorder=3)
            left += milliseconds * scale
        _name(axes, line.y, f"{line.row.plan}, {line.row.precision}")
        axes.annotate(
            f"{significant(whole)} ms", (whole, line.y), (6, 0), textcoords="offset points",
            va="center_baseline", color=INK, weight="bold", annotation_clip=False,
        )  # fmt: skip
        longest = max(longest, whole)
    axes.set_xlim(0, longest * 1.02)
    axes.yaxis.set_major_locator(NullLocator())
    axes.grid(axis="x")
    axes.set_xlabel(f"milliseconds a {group[0].item}", labelpad=1)


def _stack(rows: list[Result]) -> tuple[list[_Line], float]:
    """Lines one below the other, each work headed by its name, and their height."""
    lines, y, last = [], 0.0, None
    for row in rows:
        if row.work != last:
            lines.append(_Line(y + HEADING / 2 + 2, work=row.work))
            y, last = y + HEADING, row.work
        lines.append(_Line(y + ROW / 2, row=row))
        y += ROW
    return lines, y


def _heading(axes: Axes, line: _Line) -> None:
    axes.annotate(
        line.work, (0, line.y), (8 - LABELS, 0), xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        va="center_baseline", weight="bold", color=INK, annotation_clip=False, size=SIZE + 0.5,
    )  # fmt: skip


def _name(axes: Axes, y: float, label: str) -> None:
    axes.annotate(
        label, (0, y), (-8, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points", ha="right",
        va="center_baseline", color=INK, annotation_clip=False,
    )  # fmt: skip


def _powers(axes: Axes) -> None:
    axes.xaxis.set_major_locator(FixedLocator(POWERS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(NullLocator())
    axes.grid(axis="x")
