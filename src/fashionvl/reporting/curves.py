"""Training and dev curves of every stage, as small multiples."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from fashionvl.reporting.axes import bare, grid, step_axis
from fashionvl.reporting.canvas import BLUE, FONT, INK, ORANGE, POINTS_PER_PIXEL, QUIET, Canvas
from fashionvl.reporting.metrics import PROTOCOLS
from fashionvl.reporting.panels import MARGIN, heading
from fashionvl.runs.reading import Run, Series

COLUMNS = 6
CELL_WIDTH, CELL_HEIGHT = 250, 210

SMOOTHING = 0.05
"""Share of the steps that the running mean of a training curve spans."""

Curves = dict[str, dict[str, Series]]
"""By quantity, its `step` (training, each logged step) and `dev` series, as far as logged."""


def curves_of(run: Run) -> Curves:
    """The curves a run logged as `train/NAME_step` and `dev/NAME`: losses, then accuracies."""
    found: Curves = {}
    for name, series in run.log().items():
        split, _, quantity = name.partition("/")
        if split == "dev":
            found.setdefault(quantity, {})["dev"] = series
        elif split == "train" and quantity.endswith("_step"):
            found.setdefault(quantity.removesuffix("_step"), {})["step"] = series
    return dict(sorted(found.items(), key=lambda item: item[0].endswith("accuracy")))


def curves_page(runs: list[Run]) -> Canvas | None:
    """One block of small plots a stage; None when no stage has logged anything."""
    stages = {run.name: curves for run in runs if (curves := curves_of(run))}
    if not stages:
        return None
    rows = sum(-(-len(curves) // COLUMNS) for curves in stages.values())
    page = Canvas(2 * MARGIN + COLUMNS * CELL_WIDTH, 130 + 45 * len(stages) + rows * CELL_HEIGHT + 20)
    heading(
        page,
        "Learning curves",
        "Over optimisation steps. Each plot has its own scale; accuracies in percent.",
    )
    draw_legend(page, page.width - MARGIN, 50)
    y = 140.0
    for name, curves in stages.items():
        page.rule(MARGIN, y - 18, page.width - 2 * MARGIN)
        page.text(MARGIN, y + 8, name, 18, bold=True)
        for number, (quantity, series) in enumerate(curves.items()):
            column, row = number % COLUMNS, number // COLUMNS
            left, top = MARGIN + 35 + column * CELL_WIDTH, y + 60 + row * CELL_HEIGHT
            draw_curve(page, left, top, CELL_WIDTH - 80, CELL_HEIGHT - 80, readable(quantity), series)
        y += 45 + -(-len(curves) // COLUMNS) * CELL_HEIGHT
    return page


def draw_curve(
    page: Canvas, x: float, y: float, width: float, height: float, title: str, series: dict[str, Series]
) -> None:
    """One quantity: training steps thin, their running mean strong, the dev split in points."""
    is_share = title.endswith("accuracy")
    scale = 100 if is_share else 1
    page.text(x, y - 20, title, 13, INK, bold=True)
    axes = page.plot(x, y, width, height)
    bare(axes, 11 * POINTS_PER_PIXEL)
    peaks = []
    if "step" in series:
        steps, values = series["step"].steps, series["step"].values * scale
        axes.plot(steps, values, color=BLUE, alpha=0.22, linewidth=0.7)
        smooth = running_mean(values)
        axes.plot(steps, smooth, color=BLUE, linewidth=1.6)
        peaks.append(smooth.max())
    if "dev" in series:
        steps, values = series["dev"].steps, series["dev"].values * scale
        axes.plot(steps, values, color=ORANGE, linewidth=1.2, marker="o", markersize=3.2)
        _label_last(axes, float(steps[-1]), float(values[-1]), is_share)
        peaks.append(values.max())
    top = 100.0 if is_share else 1.1 * max(peaks, default=1.0)
    axes.set_ylim(0, top if np.isfinite(top) and top > 0 else None)
    _finish(axes, is_share)


def running_mean(values: np.ndarray) -> np.ndarray:
    """`[N]` means over a centred window of `SMOOTHING` of the points, cut off at both ends."""
    reach = max(1, round(SMOOTHING * len(values) / 2))
    sums = np.concatenate([[0.0], np.cumsum(values)])
    centres = np.arange(len(values))
    low, high = np.maximum(centres - reach, 0), np.minimum(centres + reach + 1, len(values))
    return (sums[high] - sums[low]) / (high - low)


def readable(quantity: str) -> str:
    """`itm_accuracy` as `ITM accuracy`, `s_cr` as `S-CR loss`."""
    name, _, kind = quantity.rpartition("_") if quantity.endswith("_accuracy") else (quantity, "", "loss")
    if name == "loss":
        return "total loss"
    names = {
        "itm": "ITM", "mlm": "MLM", "mir": "MIR",
        "grey": "grey-to-colour", "blank": "blank-to-colour",
        **{one.name: one.task for one in PROTOCOLS if one.stage == "recognition"},
    }  # fmt: skip
    return f"{names.get(name, name.replace('_', ' '))} {kind}"


def _label_last(axes: Axes, step: float, value: float, is_share: bool) -> None:
    label = f"{value:.0f}" if is_share else f"{value:.3g}"
    axes.annotate(
        label, (step, value), (4, 0), textcoords="offset points", color=ORANGE, fontfamily=FONT,
        fontsize=11 * POINTS_PER_PIXEL, fontweight="bold", va="center", annotation_clip=False,
    )  # fmt: skip


def _finish(axes: Axes, is_share: bool) -> None:
    axes.set_xlim(left=0)
    step_axis(axes, 3)
    axes.yaxis.set_major_locator(MaxNLocator(2 if is_share else 3))
    grid(axes, "y")


def draw_legend(page: Canvas, right: float, y: float) -> None:
    """Draw the key to the two colours of a curve, ending at `right`."""
    x = right - 330
    page.box(x, y - 2, 28, 4, BLUE)
    page.text(x + 36, y, "training (running mean)", 13, QUIET)
    page.box(x + 236, y - 1, 28, 2, ORANGE)
    page.box(x + 246, y - 4, 8, 8, ORANGE, 4)
    page.text(x + 272, y, "dev split", 13, QUIET)
