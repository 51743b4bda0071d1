"""Recall and accuracy of every model as bars with their intervals."""

from fashionvl.reporting.bars import draw_bar
from fashionvl.reporting.canvas import BLUE, GREEN, INK, PINK, QUIET, YELLOW, Canvas, text_width
from fashionvl.reporting.compare.lines import tested
from fashionvl.reporting.compare.models import Model
from fashionvl.reporting.metrics import Metric, Protocol
from fashionvl.reporting.panels import MARGIN, heading
from fashionvl.reporting.study.formatting import number, span
from fashionvl.reporting.summary import Score

COLOURS = (BLUE, YELLOW, GREEN, PINK)
"""Colours of the models in order; further models repeat them."""

BAR, LABEL, SAID = 330, 90, 170
"""Pixels: length of 100 %, room left of the bars and right of them."""

GAP, BELOW = 22, 30
"""Pixels from bar to bar, and below each metric."""

COLUMN = LABEL + BAR + SAID + 60


def scores_page(models: list[Model]) -> Canvas | None:
    """Two columns of tests, one block each; None where no model has a number in percent."""
    drawn = [protocol for protocol in tested(models) if _bars(protocol)]
    if not drawn:
        return None
    sides = drawn[::2], drawn[1::2]
    tall = max(_height(protocols, len(models)) for protocols in sides)
    page = Canvas(2 * MARGIN + 2 * COLUMN - 60, 150 + tall + 30)
    heading(
        page,
        "The same tests of every model",
        "In percent. Whiskers and brackets: 95 % over queries or products.",
    )
    _key(page, models)
    for column, protocols in enumerate(sides):
        y = 160.0
        for protocol in protocols:
            y = _block(page, MARGIN + column * COLUMN, y, protocol, models)
    return page


def _bars(protocol: Protocol) -> list[Metric]:
    """The shares among its metrics."""
    return [metric for metric in protocol.metrics if metric.bar and metric.unit == "%"]


def _height(protocols: list[Protocol], models: int) -> int:
    return sum(60 + len(_bars(protocol)) * (models * GAP + BELOW) for protocol in protocols)


def _key(page: Canvas, models: list[Model]) -> None:
    x = float(MARGIN)
    for model, colour in zip(models, _colours(models), strict=True):
        page.box(x, 115, 16, 12, colour, 2)
        page.text(x + 24, 121, model.name, 14, bold=True)
        x += 24 + text_width(model.name, 14, bold=True) + 36
    page.box(x, 112, 3, 18, INK)
    page.text(x + 12, 121, "chance, or always the most frequent class", 13, QUIET)


def _colours(models: list[Model]) -> list[str]:
    return [COLOURS[number % len(COLOURS)] for number in range(len(models))]


def _block(page: Canvas, x: float, y: float, protocol: Protocol, models: list[Model]) -> float:
    """Draw one test; where the next one may start."""
    page.text(x, y, f"{protocol.task}, {protocol.about}", 16, bold=True)
    y += 38
    outcomes = [model.summary.protocols.get(protocol.name) for model in models]
    for metric in _bars(protocol):
        page.text(x, y + (len(models) - 1) * GAP / 2, metric.name, 14, QUIET)
        for outcome, colour in zip(outcomes, _colours(models), strict=True):
            _bar(page, x + LABEL, y, outcome.scores.get(metric.key) if outcome else None, colour)
            y += GAP
        y += BELOW
    return y + 22


def _bar(page: Canvas, x: float, y: float, score: Score | None, colour: str) -> None:
    if score is None:
        page.text(x, y, "not tested", 13, QUIET)
        return
    draw_bar(page, x, y, BAR, score, 100, colour, INK)
    page.text(x + BAR + 62, y, number(score.value, 1), 14, bold=True, align="right")
    if score.interval:
        page.text(x + BAR + 74, y, span(score.interval, 1), 12, QUIET)
