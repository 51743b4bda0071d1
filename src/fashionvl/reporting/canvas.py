"""A page measured in pixels from its top left corner, on which the panels draw."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.textpath import text_to_path
from PIL import Image

PAGE, INK, QUIET, HAIRLINE, TRACK = "#ffffff", "#1c2733", "#66727f", "#dde2e7", "#eceff2"
BLUE, ORANGE, GREEN, GREEN_WASH = "#0072b2", "#d55e00", "#00805c", "#e6f4ef"
"""Blue, vermilion and a darkened bluish green of Okabe and Ito: distinct to colour-blind readers, too."""

YELLOW, PINK, SKY = "#e69f00", "#cc79a7", "#56b4e9"
"""Theirs, too, for where three are not enough."""

FONT = "DejaVu Sans"
"""Comes with matplotlib, so every machine draws the same page."""

DPI = 100
POINTS_PER_PIXEL = 72 / DPI

LEADING = 1.45
"""Distance of two lines of a paragraph, in font sizes."""


class Canvas:
    """Text, photographs and bars at pixel positions; y grows downwards."""

    def __init__(self, width: int, height: int) -> None:
        """Open an empty page of `width` by `height` pixels."""
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=PAGE)
        FigureCanvasAgg(self.figure)
        self._axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set_autoscale_on(False)
        self._axes.set_xlim(0, width)
        self._axes.set_ylim(height, 0)

    def text(
        self,
        x: float,
        y: float,
        string: str,
        size: float = 14,
        colour: str = INK,
        bold: bool = False,
        align: str = "left",
    ) -> None:
        """One line whose capitals' middle is at `y`; `size` in pixels."""
        self._axes.text(
            x, y, string, fontsize=size * POINTS_PER_PIXEL, color=colour, fontfamily=FONT, ha=align,
            va="center_baseline", fontweight="bold" if bold else "normal", parse_math=False,
        )  # fmt: skip

    def paragraph(self, x: float, y: float, lines: list[str], size: float = 14, colour: str = INK) -> None:
        """Lines, as `wrap` broke them, the first centred on `y`."""
        for number, line in enumerate(lines):
            self.text(x, y + number * LEADING * size, line, size, colour)

    def photograph(self, x: float, y: float, side: int, pixels: np.ndarray, frame: str = HAIRLINE) -> None:
        """`[H, W, 3]` uint8 in a square of `side` pixels, framed; a coloured frame is drawn thicker."""
        resample = Image.Resampling.LANCZOS if side < len(pixels) else Image.Resampling.BICUBIC
        scaled = np.asarray(Image.fromarray(pixels).resize((side, side), resample))
        self._axes.imshow(
            scaled, extent=(x, x + side, y + side, y), aspect="auto", interpolation="nearest", zorder=1
        )
        # imshow narrows the view to its own extent.
        self._axes.set_xlim(0, self.width)
        self._axes.set_ylim(self.height, 0)
        thickness = 1 if frame == HAIRLINE else 4
        margin = 0 if frame == HAIRLINE else 3
        self._axes.add_patch(
            Rectangle(
                (x - margin, y - margin), side + 2 * margin, side + 2 * margin, fill=False, edgecolor=frame,
                linewidth=thickness * POINTS_PER_PIXEL, zorder=2,
            )
        )  # fmt: skip

    def box(
        self, x: float, y: float, width: float, height: float, colour: str, radius: float = 0, layer: int = 0
    ) -> None:
        """A filled rectangle, rounded by `radius`; higher layers cover lower ones."""
        radius = min(radius, width / 2, height / 2)
        style = f"round,pad=0,rounding_size={radius}" if radius > 0 else "square,pad=0"
        self._axes.add_patch(
            FancyBboxPatch((x, y), width, height, boxstyle=style, color=colour, lw=0, zorder=layer)
        )

    def outline(
        self, x: float, y: float, width: float, height: float, colour: str, thickness: float = 2
    ) -> None:
        """An empty rectangle, above photographs; `thickness` in pixels."""
        self._axes.add_patch(
            Rectangle(
                (x, y), width, height, fill=False, edgecolor=colour, linewidth=thickness * POINTS_PER_PIXEL,
                zorder=3,
            )
        )  # fmt: skip

    def line(self, x: float, y: float, to_x: float, to_y: float, colour: str, thickness: float = 1) -> None:
        """A straight line, below outlines and above photographs."""
        self._axes.plot(
            [x, to_x], [y, to_y], color=colour, linewidth=thickness * POINTS_PER_PIXEL, zorder=2.5
        )

    def meter(self, x: float, y: float, width: float, share: float, colour: str) -> None:
        """A probability as a thin bar in its track, centred on `y`."""
        self.box(x, y - 3, width, 6, TRACK, 3)
        if share * width >= 1:
            self.box(x, y - 3, share * width, 6, colour, 3)

    def rule(self, x: float, y: float, width: float) -> None:
        """A horizontal hairline."""
        self.box(x, y, width, 1, HAIRLINE)

    def plot(self, x: float, y: float, width: float, height: float) -> Axes:
        """Axes for curves in the given rectangle."""
        return self.figure.add_axes(
            (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        )

    def save(self, file: Path) -> None:
        """Write a PNG of exactly the page's size."""
        self.figure.savefig(file, dpi=DPI, facecolor=PAGE)


def wrap(string: str, width: float, lines: int, size: float = 14) -> list[str]:
    """Break text into at most `lines` lines of `width` pixels at a font size in pixels."""
    found: list[str] = []
    words = string.split()
    while words and len(found) < lines:
        taken = 1
        while taken < len(words) and text_width(" ".join(words[: taken + 1]), size) <= width:
            taken += 1
        found.append(shorten(" ".join(words[:taken]), width, size))
        words = words[taken:]
    if words:
        found[-1] = shorten(f"{found[-1]} {words[0]}", width, size, cut=True)
    return found


def shorten(string: str, width: float, size: float, cut: bool = False) -> str:
    """The text, or as much of it as fits with an ellipsis; `cut` marks text that goes on in any case."""
    if not cut and text_width(string, size) <= width:
        return string
    while string and text_width(string + "…", size) > width:
        string = string[:-1]
    return string.rstrip(" .,") + "…"


@lru_cache(maxsize=50_000)
def text_width(string: str, size: float, bold: bool = False) -> float:
    """In pixels, for a font size in pixels."""
    font = FontProperties(family=FONT, size=size, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(string, font, ismath=False)
    return float(width)
