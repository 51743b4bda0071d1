"""Axes, grid and labels common to all plots, on pictures and on the page."""

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from fashionvl.reporting.canvas import FONT, HAIRLINE, QUIET


@contextmanager
def own_style() -> Iterator[None]:
    """Draw with matplotlib's defaults: a user's matplotlibrc must not change what pictures look like."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield


def bare(axes: Axes, label_size: float) -> None:
    """Leave two hairlines as a frame, and quiet tick labels of a size in points."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(HAIRLINE)
    axes.tick_params(colors=QUIET, labelsize=label_size, length=0, labelfontfamily=FONT)
    axes.set_axisbelow(True)


def grid(axes: Axes, along: str) -> None:
    """Hairlines at the ticks of the `x` or `y` axis."""
    axes.grid(axis=along, color=HAIRLINE, linewidth=0.6)  # type: ignore[arg-type]


def step_axis(axes: Axes, most: int) -> None:
    """Whole optimisation steps below, at `most` intervals."""
    axes.xaxis.set_major_locator(MaxNLocator(most, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))


def label_below(axes: Axes, text: str, size: float) -> None:
    """Label the x axis, in a size in points."""
    axes.set_xlabel(text, fontsize=size, color=QUIET, fontfamily=FONT)
