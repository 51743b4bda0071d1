"""Recall and accuracy of every model as bars with their intervals."""

from fashionvl.reporting.canvas import BLUE, GREEN, INK, QUIET, TRACK, Canvas, text_width
from fashionvl.reporting.compare.models import Model
from fashionvl.reporting.panels import MARGIN, heading
from fashionvl.reporting.study.formatting import number, span
from fashionvl.reporting.summary import Score

COLOURS = (BLUE, "#e69f00", GREEN, "#cc79a7")
"""Of the models in order; further ones repeat them."""

RECALL = {"r1": "R@1", "r5": "R@5", "r10": "R@10"}
BLOCKS = (
    (
        ("Text → image retrieval", "tir", RECALL),
        ("Main category", "m_cr", {"accuracy": "accuracy"}),
    ),
    (
        ("Image → text retrieval", "itr", RECALL),
        ("Sub-category", "s_cr", {"accuracy": "accuracy"}),
    ),
)
"""Two columns of the page: title, protocol and metrics of each block, all in percent."""

BAR, THICK, LABEL, SAID = 330, 16, 90, 170
"""Pixels: length of 100 %, height of a bar, room left of the bars and right of them."""

GAP, BELOW = 22, 30
"""Pixels from bar to bar, and below each metric."""

COLUMN = LABEL + BAR + SAID + 60


def scores_page(models: list[Model]) -> Canvas | None:
    """None where no model was tested on any of `BLOCKS`."""
    if not any(_scores(models, protocol) for blocks in BLOCKS for _, protocol, _ in blocks):
        return None
    tall = max(_height(blocks, len(models)) for blocks in BLOCKS)
    page = Canvas(2 * MARGIN + 2 * COLUMN - 60, 150 + tall + 30)
    heading(
        page,
        "The same tests of every model",
        "In percent. Whiskers and brackets: 95 % over queries or products.",
    )
    _key(page, models)
    for column, blocks in enumerate(BLOCKS):
        y = 160.0
        for title, protocol, metrics in blocks:
            y = _block(page, MARGIN + column * COLUMN, y, title, _scores(models, protocol), metrics, models)
    return page


def _scores(models: list[Model], protocol: str) -> dict[str, dict[str, Score]]:
    """By model, of those that were tested."""
    return {
        model.name: outcome.scores for model in models if (outcome := model.summary.protocols.get(protocol))
    }


def _height(blocks: tuple[tuple[str, str, dict[str, str]], ...], models: int) -> int:
    return sum(60 + len(metrics) * (models * GAP + BELOW) for _, _, metrics in blocks)


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


def _block(
    page: Canvas,
    x: float,
    y: float,
    title: str,
    scores: dict[str, dict[str, Score]],
    metrics: dict[str, str],
    models: list[Model],
) -> float:
    """Draw one test; where the next one may start."""
    page.text(x, y, title, 16, bold=True)
    y += 38
    for metric, label in metrics.items():
        page.text(x, y + (len(models) - 1) * GAP / 2, label, 14, QUIET)
        for model, colour in zip(models, _colours(models), strict=True):
            _bar(page, x + LABEL, y, scores.get(model.name, {}).get(metric), colour)
            y += GAP
        y += BELOW
    return y + 22


def _bar(page: Canvas, x: float, y: float, score: Score | None, colour: str) -> None:
    if score is None:
        page.text(x, y, "not tested", 13, QUIET)
        return
    page.box(x, y - THICK / 2, BAR, THICK, TRACK, 3)
    page.box(x, y - THICK / 2, BAR * score.value / 100, THICK, colour, 3)
    page.text(x + BAR + 62, y, number(score.value, 1), 14, bold=True, align="right")
    if score.interval:
        low, high = (BAR * end / 100 for end in score.interval)
        page.box(x + low, y - 1, high - low, 2, INK, layer=2)
        for end in (low, high):
            page.box(x + end - 1, y - 5, 2, 10, INK, layer=2)
        page.text(x + BAR + 74, y, span(score.interval, 1), 12, QUIET)
    if score.baseline is not None:
        page.box(x + BAR * score.baseline / 100 - 1.5, y - GAP / 2, 3, GAP, INK, layer=3)
