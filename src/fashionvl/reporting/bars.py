"""A score as a bar: its interval across the bar's end, and what guessing gets as a tick."""

from fashionvl.reporting.canvas import INK, TRACK, Canvas
from fashionvl.reporting.summary import Score

THICK = 16
"""Pixels."""


def draw_bar(
    page: Canvas, x: float, y: float, width: float, score: Score, full: float, colour: str, tick: str
) -> None:
    """Draw a score from the left, centred on `y`.

    Args:
        page: to draw on.
        x: left end in pixels.
        y: middle in pixels.
        width: of the whole track in pixels.
        score: finite.
        full: value at the end of the track; what lies beyond ends there.
        colour: of the bar.
        tick: colour of what guessing gets.
    """

    def reach(value: float) -> float:
        return width * min(1, max(0, value) / full)

    page.box(x, y - THICK / 2, width, THICK, TRACK, 3)
    page.box(x, y - THICK / 2, reach(score.value), THICK, colour, 3)
    if score.interval:
        low, high = map(reach, score.interval)
        page.box(x + low, y - 1, high - low, 2, INK, layer=2)
        for end in (low, high):
            page.box(x + end - 1, y - 5, 2, 10, INK, layer=2)
    if score.baseline is not None:
        page.box(x + reach(score.baseline) - 1.5, y - THICK / 2 - 4, 3, THICK + 8, tick, layer=3)
