"""The means of all studies in one picture, for pages that cannot show HTML."""

from math import ceil
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure

from fashionvl.reporting.axes import bare, own_style
from fashionvl.reporting.canvas import FONT, INK, PAGE, QUIET
from fashionvl.reporting.page.differences import title_of
from fashionvl.reporting.page.drawing import FRAME_HEIGHT, LABEL_SIZE, PIXELS_PER_INCH, row_axis
from fashionvl.reporting.page.means import draw_means, names_of, plotted
from fashionvl.reporting.study.records import Report, StudyReport

WIDTH, MOST_BESIDE = 1200, 5
"""In pixels at `PIXELS_PER_INCH`, and how many plots stand side by side at most."""

TITLE_HEIGHT, PANEL_TITLE_HEIGHT, ROW_HEIGHT, FOOT_HEIGHT = 34, 20, 23, 44
"""In pixels."""

DPI = 100

KEY = (
    "Means with 95 % intervals; small circles: single seeds; \N{BLACK SQUARE} reference. Blue, orange: "
    "better, worse after Holm's correction.\nShaded: too close to the reference to be seen with 80 % power, "
    "the median over the columns; no band: one seed only."
)


def write_poster(report: Report, file: Path) -> bool:
    """Draw the means of every study.

    Args:
        report: with the studies.
        file: PNG to write, in a folder that there is.

    Returns:
        Whether there was anything to draw; if not, nothing is written.
    """
    studies = [study for study in report.studies if plotted(study)]
    if not studies:
        return False
    heights = [_height(study) for study in studies]
    with own_style():
        total = sum(heights) + FOOT_HEIGHT
        figure = Figure(
            figsize=(WIDTH / PIXELS_PER_INCH, total / PIXELS_PER_INCH), layout="constrained", facecolor=PAGE
        )
        FigureCanvasAgg(figure)
        parts = figure.subfigures(len(studies) + 1, 1, height_ratios=[*heights, FOOT_HEIGHT], squeeze=False)
        for part, study in zip(parts[:, 0], studies, strict=False):
            _draw(part, study)
        parts[-1, 0].text(0.01, 0.5, KEY, fontsize=LABEL_SIZE, color=QUIET, fontfamily=FONT, va="center")
        figure.savefig(file, dpi=DPI, facecolor=PAGE, metadata={"Software": None})
    return True


def _height(study: StudyReport) -> int:
    metrics = plotted(study)
    rows = max(len(names_of(study, metric)) for metric in metrics)
    lines, _ = _shape(len(metrics))
    return TITLE_HEIGHT + lines * (PANEL_TITLE_HEIGHT + FRAME_HEIGHT + ROW_HEIGHT * rows)


def _shape(panels: int) -> tuple[int, int]:
    """Lines of plots and plots in each, so that lines are about equally long."""
    lines = ceil(panels / MOST_BESIDE)
    return lines, max(ceil(panels / lines), MOST_BESIDE - 1)


def _draw(part: SubFigure, study: StudyReport) -> None:
    part.suptitle(
        f"{study.title}: {study.question}", x=0.01, ha="left", fontsize=13, color=INK, fontfamily=FONT,
        parse_math=False,
    )  # fmt: skip
    metrics = plotted(study)
    grid = part.subplots(*_shape(len(metrics)), squeeze=False).ravel()
    for axes, metric in zip(grid, metrics, strict=False):
        bare(axes, LABEL_SIZE)
        row_axis(axes, names_of(study, metric), metric.unit)
        draw_means(axes, study, metric)
        axes.set_title(
            title_of(metric), fontsize=11, color=INK, fontfamily=FONT, loc="left", parse_math=False
        )
    for axes in grid[len(metrics) :]:
        axes.set_axis_off()
