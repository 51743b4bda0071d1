"""Figures and photographs as data that an HTML page can hold within itself."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator
from PIL import Image

from fashionvl.reporting.axes import bare, grid, label_below
from fashionvl.reporting.canvas import BLUE, FONT, GREEN, HAIRLINE, INK, ORANGE, PAGE, QUIET, SKY, TRACK
from fashionvl.reporting.panels import GREY

WIDTH, HEIGHT = 240, 180
"""Usual size of a panel in pixels: small enough to be legible on a phone, where it fills the line."""

FRAME_HEIGHT, ROW_HEIGHT = 50, 28
"""In pixels, of plots with a row a column."""

LABEL_SIZE = 10.5

PIXELS_PER_INCH = 72
"""Resolution of matplotlib's SVG, where a point is a pixel."""

DARK = {
    INK: "#e4e8ec", QUIET: "#a3aeb8", HAIRLINE: "#333c46", PAGE: "#181d23", BLUE: SKY, ORANGE: "#ff9552",
    GREEN: "#2fc796", TRACK: "#29313a",
}  # fmt: skip
"""Replacements of a panel's colours where the reader prefers a dark page."""

TOO_FEW_PIXELS = 128
"""Photographs with shorter sides are shown with square pixels, as the model sees them."""


@dataclass(frozen=True)
class Picture:
    """An image of the page.

    Attributes:
        title: shown above it.
        alt: what it shows, in words.
        uri: the image itself, as a `data:` URI.
        width: in pixels.
        height: in pixels.
        coarse: whether its pixels are to be seen as squares.
    """

    title: str
    alt: str
    uri: str
    width: int
    height: int
    coarse: bool = False


def panel(height: int = HEIGHT) -> tuple[Figure, Axes]:
    """An empty small plot of so many pixels on a transparent ground."""
    figure = Figure(figsize=(WIDTH / PIXELS_PER_INCH, height / PIXELS_PER_INCH), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    bare(axes, LABEL_SIZE)
    return figure, axes


def row_panel(names: list[str], scale: str) -> tuple[Figure, Axes]:
    """An empty plot of a row a column, named on the left; `scale` says what the x axis shows."""
    figure, axes = panel(FRAME_HEIGHT + ROW_HEIGHT * len(names))
    row_axis(axes, names, scale)
    return figure, axes


def row_axis(axes: Axes, names: list[str], scale: str) -> None:
    """Give axes a row for each name, from top to bottom; `scale` says what the x axis shows."""
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.yaxis.set_major_locator(FixedLocator(list(range(len(names)))))
    axes.set_yticklabels(names, fontfamily=FONT, color=INK)
    grid(axes, "x")
    label_below(axes, scale, LABEL_SIZE)


def svg_picture(figure: Figure, title: str, alt: str) -> Picture:
    """The figure as SVG with real text, following the reader's choice of light or dark."""
    stream = io.StringIO()
    # The same numbers give the same bytes: no date, no random names.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "fashionvl"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    drawn = stream.getvalue()
    drawn = drawn[drawn.index("<svg") :].replace("</defs>", f"<style>{_dark_style()}</style></defs>", 1)
    height = round(figure.get_figheight() * PIXELS_PER_INCH)
    return Picture(title, alt, _data_uri("image/svg+xml", drawn.encode()), WIDTH, height)


def photograph(pixels: np.ndarray, title: str, alt: str) -> Picture:
    """`[H, W, 3]` uint8 with its hidden area at zero, which turns grey, as PNG."""
    shown = np.where((pixels == 0).all(-1, keepdims=True), np.uint8(GREY), pixels)
    stream = io.BytesIO()
    Image.fromarray(shown).save(stream, "PNG", optimize=True)
    height, width = pixels.shape[:2]
    uri = _data_uri("image/png", stream.getvalue())
    return Picture(title, alt, uri, width, height, coarse=min(height, width) < TOO_FEW_PIXELS)


def png_picture(file: Path, title: str, alt: str) -> Picture:
    """A PNG file as it is."""
    with Image.open(file) as image:
        width, height = image.size
    return Picture(title, alt, _data_uri("image/png", file.read_bytes()), width, height)


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _dark_style() -> str:
    rules = [
        f'[style*="{part}: {light}"]{{{part}:{dark}!important}}'
        for light, dark in DARK.items()
        for part in ("fill", "stroke")
    ]
    return f"@media (prefers-color-scheme:dark){{{''.join(rules)}}}"
