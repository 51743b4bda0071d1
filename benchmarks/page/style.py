"""Style of the page's plots, and their reproducible SVG text."""

import io
import re
from contextlib import AbstractContextManager
from typing import Any

import matplotlib
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from fashionvl.reporting.canvas import BLUE, FONT, GREEN, HAIRLINE, INK, ORANGE, PAGE, QUIET

PIXELS_PER_INCH = 72
"""Resolution of matplotlib's SVG, where a point is a pixel."""

WIDTH = 900
SIZE = 11.5
"""Text size in pixels."""

PLANS = {"released": QUIET, "ours": BLUE, "best": GREEN}
FURTHER = ("#cc79a7", "#e69f00", "#7a5195", "#56b4e9", ORANGE)
"""Colours of what has none of its own, in order of appearance; Okabe and Ito's, and a violet."""


def house_style() -> AbstractContextManager[Any]:
    """Matplotlib's own defaults, whatever the machine prefers, and what makes the bytes repeat."""
    return matplotlib.style.context(
        [
            "default",
            {
                "font.family": FONT,
                "font.size": SIZE,
                # Outlines: a reader's machine may lack the font.
                "svg.fonttype": "path",
                "svg.hashsalt": "fashionvl",
                "text.parse_math": False,
                "axes.edgecolor": HAIRLINE,
                "axes.labelcolor": QUIET,
                "axes.titlesize": SIZE + 0.5,
                "axes.titleweight": "bold",
                "axes.titlelocation": "left",
                "axes.titlecolor": INK,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.axisbelow": True,
                "xtick.color": QUIET,
                "ytick.color": QUIET,
                "xtick.major.size": 0,
                "ytick.major.size": 0,
                "xtick.minor.size": 0,
                "ytick.minor.size": 0,
                "grid.color": HAIRLINE,
                "grid.linewidth": 0.6,
                "figure.facecolor": PAGE,
                "legend.frameon": False,
            },
        ]
    )


def figure_of(height: float) -> Figure:
    """An empty figure of `WIDTH` by so many pixels."""
    figure = Figure(figsize=(WIDTH / PIXELS_PER_INCH, height / PIXELS_PER_INCH))
    FigureCanvasSVG(figure)
    return figure


def svg(figure: Figure) -> str:
    """The figure as text; the same numbers give the same text."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def drawn_by(picture: str) -> str:
    """Return the matplotlib version that drew an SVG; outlines differ between versions."""
    found = re.search(r"Matplotlib v[\w.+]+", picture)
    return found[0] if found else ""


def colours(names: list[str], known: dict[str, str]) -> dict[str, str]:
    """A colour for each name: its own, or the next of `FURTHER`."""
    spare = [name for name in dict.fromkeys(names) if name not in known]
    return {**known, **{name: FURTHER[place % len(FURTHER)] for place, name in enumerate(spare)}}


def axes_at(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes in a rectangle given in pixels from the top left corner."""
    across, down = figure.get_figwidth() * PIXELS_PER_INCH, figure.get_figheight() * PIXELS_PER_INCH
    return figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))
