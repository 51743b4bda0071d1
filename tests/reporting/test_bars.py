"""Scores as bars."""

from matplotlib.patches import FancyBboxPatch

from fashionvl.reporting.bars import draw_bar
from fashionvl.reporting.canvas import Canvas
from fashionvl.reporting.summary import Score


def boxes(score: Score, full: float = 40.0) -> list[tuple[float, float]]:
    """Left end and width of everything drawn in a track of 200 pixels from 50."""
    page = Canvas(300, 40)
    draw_bar(page, 50, 20, 200, score, full, "#0072b2", "#d55e00")
    drawn = [patch for patch in page._axes.patches if isinstance(patch, FancyBboxPatch)]
    return [(patch.get_x(), patch.get_width()) for patch in drawn]


def test_bar_interval_and_tick_are_to_scale() -> None:
    track, bar, interval, low, high, tick = boxes(Score(20.0, (10.0, 30.0), 5.0))
    assert (track, bar) == ((50, 200), (50, 100))
    assert (interval, low, high) == ((100, 100), (99, 2), (199, 2))
    assert tick == (50 + 25 - 1.5, 3)


def test_what_lies_beyond_the_scale_ends_there() -> None:
    assert boxes(Score(55.0))[1] == (50, 200)
    assert boxes(Score(-3.0))[1] == (50, 0)
    assert len(boxes(Score(20.0))) == 2
