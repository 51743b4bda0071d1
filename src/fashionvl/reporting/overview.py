"""One picture of a whole summary: the numbers, one query, in-painted photographs and learning curves."""

import math

from fashionvl.reporting import metrics
from fashionvl.reporting.bars import draw_bar
from fashionvl.reporting.canvas import BLUE, INK, ORANGE, QUIET, Canvas, wrap
from fashionvl.reporting.curves import curves_of, draw_curve, draw_legend, readable
from fashionvl.reporting.metrics import Metric
from fashionvl.reporting.panels import MARGIN, examples_of, generation_grid, photograph_row
from fashionvl.reporting.summary import Score, Summary
from fashionvl.reporting.tables import NOT_RUN
from fashionvl.runs.reading import Run

LABEL, BAR_WIDTH, RIGHT = 100, 290, 600

CURVES = ("itm_accuracy", "mlm_accuracy", "mir", "s_cr_image_accuracy", "s_cr_accuracy")
"""One curve for each objective of pre-training, and one for fine-tuning: the last of these gives way."""

CURVES_SHOWN = 4


def overview_page(summary: Summary) -> Canvas:
    """1600 by 1000 pixels; parts that have not been run say so."""
    page = Canvas(1600, 1000)
    spent = duration(summary.seconds["total"])
    page.text(MARGIN, 48, f"{summary.title}: {spent} of training and testing", 28, bold=True)
    page.text(MARGIN, 88, "; ".join(_facts(summary)), 14, QUIET)
    page.rule(MARGIN, 112, page.width - 2 * MARGIN)
    _numbers(page, summary)
    _query(page, summary.runs)
    _generation(page, summary.runs)
    _curves(page, summary.runs)
    return page


def duration(seconds: float) -> str:
    """In the largest unit that leaves at least two."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def _facts(summary: Summary) -> list[str]:
    facts = ["Zero-shot retrieval and in-painting after pre-training, recognition after fine-tuning"]
    tir = summary.protocols.get("tir")
    if tir and tir.candidates:
        hard = f"{tir.same_subcategory:.0f} % of the negatives from the query's own sub-category"
        facts.append(f"{tir.n:,} queries with {tir.candidates} candidates each, {hard}")
    return [*facts, f"seed {summary.common('seed')}"]


def _numbers(page: Canvas, summary: Summary) -> None:
    y = 145.0
    for protocol in metrics.PROTOCOLS:
        bars = [] if protocol.only_where_run else [one for one in protocol.metrics if one.bar]
        if not bars:
            continue
        outcome = summary.protocols.get(protocol.name)
        page.text(MARGIN, y, f"{protocol.task}, {protocol.about}", 16, bold=True)
        for metric in bars:
            y += 44
            page.text(MARGIN, y, metric.name, 14, QUIET)
            _bar(page, MARGIN + LABEL, y, outcome.scores.get(metric.key) if outcome else None, metric)
        y += 66
    _key(page, MARGIN, y)


def _bar(page: Canvas, x: float, y: float, score: Score | None, metric: Metric) -> None:
    """The bar, and its value behind it."""
    if score is None or not math.isfinite(score.value):
        page.text(x, y, NOT_RUN if score is None else "undefined", 14, QUIET)
        return

    draw_bar(page, x, y, BAR_WIDTH, score, metric.bar or 1, BLUE, ORANGE)
    said = f"{score.value:.1f} {metric.unit}"
    page.text(x + BAR_WIDTH + 80, y, said, 16, bold=True, align="right")


def _key(page: Canvas, x: float, y: float) -> None:
    page.box(x, y - 12, 3, 24, ORANGE)
    page.text(x + 14, y, "chance, the most frequent class, or the mean colour", 13, QUIET)
    page.box(x, y + 25, 24, 2, INK)
    page.box(x, y + 21, 2, 10, INK)
    page.box(x + 22, y + 21, 2, 10, INK)
    page.text(x + 34, y + 26, "95 % interval over queries or products", 13, QUIET)


def _query(page: Canvas, runs: list[Run]) -> None:
    page.text(RIGHT, 145, "A caption and the photographs ranked first for it", 16, bold=True)
    found = examples_of(runs, "tir")
    if found is None:
        page.text(RIGHT, 180, NOT_RUN, 14, QUIET)
        return
    # The first query answered within the five, to show a hit; tir.png has hits and misses as they came.
    query = int(found["matched"].any(1).argmax())
    page.paragraph(RIGHT, 173, wrap(str(found["captions"][query, 0]), 950, 2, 13), 13)
    photograph_row(page, RIGHT, 209, 166, 30, found, query)


def _generation(page: Canvas, runs: list[Run]) -> None:
    page.text(RIGHT, 455, "Hidden parts painted in", 16, bold=True)
    found = examples_of(runs, "mig")
    if found is None:
        page.text(RIGHT, 490, NOT_RUN, 14, QUIET)
        return
    generation_grid(page, RIGHT, 478, 124, 96, 8, found, 8)


def _curves(page: Canvas, runs: list[Run]) -> None:
    page.text(RIGHT, 818, "Learning curves", 16, bold=True)
    draw_legend(page, RIGHT + 950, 818)
    logged = {quantity: series for run in runs for quantity, series in curves_of(run).items()}
    shown = [quantity for quantity in CURVES if quantity in logged][:CURVES_SHOWN]
    if not shown:
        page.text(RIGHT, 853, NOT_RUN, 14, QUIET)
    for column, quantity in enumerate(shown):
        draw_curve(page, RIGHT + 30 + column * 240, 874, 170, 82, readable(quantity), logged[quantity])
