"""Curves: cost against size, several processes, loading workers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from benchmarks.page.points import LoadingPoint, ScalingPoint, SweepPoint
from benchmarks.page.style import PLANS, colours, figure_of
from fashionvl.reporting.canvas import BLUE, GREEN, HAIRLINE, INK, ORANGE, QUIET

AXES = ("batch size", "image size", "candidates")
TITLES = {
    "batch size": "Training: batch size",
    "image size": "Training: image size",
    "candidates": "Retrieval: candidates",
}
P = TypeVar("P")
MODES = {"weak": "#7a5195", "strong": ORANGE}
LAYOUTS = {"hdf5": QUIET, "mapped": BLUE, "stored": GREEN}

DOUBLINGS = 6
"""An axis that spans more than so many times its least value is drawn by powers of two."""


@dataclass(frozen=True)
class _Curve:
    """Values over an axis, with least and greatest where known."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    least: Sequence[float] = ()
    greatest: Sequence[float] = ()


def cost_picture(sweeps: list[SweepPoint], scaling: list[ScalingPoint]) -> Figure | None:
    """Time a pair above, memory below, over batch, image, candidates and processes; None without a point."""
    if not sweeps and not scaling:
        return None
    figure = _grid(420)
    grid = figure.subplots(2, 4)
    hues = colours([point.plan for point in sweeps], PLANS)
    for column, axis in enumerate(AXES):
        points = [point for point in sweeps if point.axis == axis]
        _panel(grid[0, column], TITLES[axis], _by_plan(points, lambda point: point.ms_per_pair, True), hues)
        held = [point for point in points if point.peak_mb is not None]
        _panel(grid[1, column], "", _by_plan(held, lambda point: point.peak_mb or 0.0), hues)
        grid[1, column].set_xlabel("candidates a query" if axis == "candidates" else axis)
    _panel(
        grid[0, 3], "Training: processes", _by_mode(scaling, lambda point: 1000 / point.pairs_per_s), MODES
    )
    shared = [point for point in scaling if point.allreduce_share is not None]
    _panel(grid[1, 3], "", _by_mode(shared, lambda point: 100 * (point.allreduce_share or 0)), MODES)
    grid[1, 3].set_xlabel("processes")
    grid[0, 0].set_ylabel("milliseconds a pair")
    grid[1, 0].set_ylabel("peak memory, MB")
    grid[1, 3].set_ylabel("all-reduce, % of the step")
    shown = {name: hue for name, hue in hues.items() if any(point.plan == name for point in sweeps)}
    named = {f"{mode} scaling": hue for mode, hue in MODES.items() if any(p.mode == mode for p in scaling)}
    _legend(figure, {**shown, **named})
    return figure


def scaling_picture(points: list[ScalingPoint]) -> Figure | None:
    """Pace and efficiency over the number of processes; None without a point."""
    if not points:
        return None
    figure = _grid(260)
    pace, efficiency = figure.subplots(1, 2)
    _panel(pace, "Pairs a second", _by_mode(points, lambda point: point.pairs_per_s), MODES)
    for mode, hue in MODES.items():
        found = sorted((point for point in points if point.mode == mode), key=lambda point: point.processes)
        if found:
            first = found[0]
            ideal = [first.pairs_per_s * point.processes / first.processes for point in found]
            pace.plot([point.processes for point in found], ideal, color=hue, linewidth=0.9, linestyle=":")
    pace.set_ylim(bottom=0)
    known = [point for point in points if point.efficiency is not None]
    _panel(efficiency, "Efficiency, %", _by_mode(known, lambda point: 100 * (point.efficiency or 0)), MODES)
    efficiency.axhline(100, color=QUIET, linewidth=0.9, linestyle=":")
    efficiency.set_ylim(0, max([110.0, *(110 * (point.efficiency or 0) for point in known)]))
    for axes in (pace, efficiency):
        axes.set_xlabel("processes")
    _legend(
        figure, {f"{mode} scaling": hue for mode, hue in MODES.items() if any(p.mode == mode for p in points)}
    )
    return figure


def loading_picture(points: list[LoadingPoint]) -> Figure | None:
    """Pairs a second over loading workers, a panel a storage; None without a point."""
    if not points:
        return None
    storages = list(dict.fromkeys(point.storage for point in points))
    figure = _grid(250)
    hues = colours([point.layout for point in points], LAYOUTS)
    panels = figure.subplots(1, len(storages), squeeze=False)[0]
    for axes, storage in zip(panels, storages, strict=True):
        here = [point for point in points if point.storage == storage]
        grouped = [
            _curve(layout, [point for point in here if point.layout == layout], lambda p: p.workers, _pace)
            for layout in dict.fromkeys(point.layout for point in here)
        ]
        delayed = storage not in ("warm", "cold")
        _panel(axes, f"{storage} a read" if delayed else f"{storage} cache", grouped, hues)
        axes.set_xlabel("workers")
    panels[0].set_ylabel("pairs a second")
    _legend(figure, {name: hue for name, hue in hues.items() if any(p.layout == name for p in points)})
    return figure


def _pace(point: LoadingPoint) -> float:
    return point.pairs_per_s


def _by_plan(
    points: list[SweepPoint], read: Callable[[SweepPoint], float], spans: bool = False
) -> list[_Curve]:
    curves = []
    for plan in dict.fromkeys(point.plan for point in points):
        own = sorted((point for point in points if point.plan == plan), key=lambda point: point.value)
        ends = ([p.ms_min for p in own], [p.ms_max for p in own]) if spans else ((), ())
        curves.append(_Curve(plan, [p.value for p in own], [read(p) for p in own], *ends))
    return curves


def _by_mode(points: list[ScalingPoint], read: Callable[[ScalingPoint], float]) -> list[_Curve]:
    return [
        _curve(mode, [point for point in points if point.mode == mode], lambda point: point.processes, read)
        for mode in dict.fromkeys(point.mode for point in points)
    ]


def _curve(name: str, points: list[P], place: Callable[[P], float], read: Callable[[P], float]) -> _Curve:
    ordered = sorted(points, key=place)
    return _Curve(name, [place(point) for point in ordered], [read(point) for point in ordered])


def _panel(axes: Axes, title: str, curves: list[_Curve], hues: dict[str, str]) -> None:
    """Curves, from zero; a plain word where there is none."""
    axes.set_title(title)
    if not curves:
        axes.text(
            0.5, 0.5, "not measured yet", ha="center", va="center", transform=axes.transAxes, color=QUIET
        )
        axes.xaxis.set_major_locator(NullLocator())
        axes.yaxis.set_major_locator(NullLocator())
        return
    places = sorted({x for curve in curves for x in curve.x})
    if places[0] > 0 and places[-1] / places[0] > DOUBLINGS:
        axes.set_xscale("log", base=2)
    for curve in curves:
        hue = hues.get(curve.name, INK)
        stroke = "--" if curve.name == "strong" else "-"
        axes.plot(curve.x, curve.y, stroke, color=hue, linewidth=1.7, marker="o", markersize=4, zorder=3)
        if curve.least:
            axes.vlines(curve.x, curve.least, curve.greatest, color=hue, linewidth=1.1, zorder=2)
    values = [y for curve in curves for y in (*curve.y, *curve.greatest)]
    axes.set_ylim(1.08 * min(0.0, *values), 1.08 * max(values))
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1000 else f"{value:g}")
    )
    axes.grid(axis="y", color=HAIRLINE)


def _grid(height: float) -> Figure:
    figure = figure_of(height)
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.06)
    return figure


def _legend(figure: Figure, hues: dict[str, str]) -> None:
    handles = [Line2D([], [], color=hue, marker="o", markersize=4, label=name) for name, hue in hues.items()]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), labelcolor=INK)
