"""Loss curves of every column of a study, one small plot a loss."""

from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import MaxNLocator

from fashionvl.reporting.axes import grid, label_below, step_axis
from fashionvl.reporting.canvas import BLUE, INK, ORANGE, PINK, SKY, YELLOW
from fashionvl.reporting.curves import readable
from fashionvl.reporting.page.drawing import LABEL_SIZE, Picture, panel, svg_picture
from fashionvl.reporting.study.records import ColumnReport, StudyReport

STAGE = "pretrain"

PALETTE = (BLUE, ORANGE, "#009e73", PINK, YELLOW, SKY)
"""Colours of Okabe and Ito; the reference is drawn in ink. Further columns repeat them dashed."""

FIRST = ("loss", "itm", "mlm", "mir", "rotation", "jigsaw", "camouflage", "grey", "blank")
"""Losses in the order shown; others follow by name."""

DEV, TRAIN = "dev", "train"

Line = tuple[np.ndarray, np.ndarray]
"""`[N]` steps and `[N]` losses."""


@dataclass(frozen=True)
class Stroke:
    """Style of a column's lines; `style` is matplotlib's."""

    colour: str
    style: str
    width: float


def strokes(study: StudyReport) -> dict[str, Stroke]:
    """By column."""
    found, used = {}, 0
    for column in study.columns:
        if column.id == study.reference:
            found[column.id] = Stroke(INK, "-", 2.0)
            continue
        style = "-" if used < len(PALETTE) else "--"
        found[column.id] = Stroke(PALETTE[used % len(PALETTE)], style, 1.4)
        used += 1
    return found


def loss_panels(study: StudyReport) -> list[Picture]:
    """A plot for each loss of pre-training that any column has logged."""
    lines = {column.id: _lines(column) for column in study.columns}
    logged = {name for found in lines.values() for name, _ in found}
    names = [name for name in FIRST if name in logged] + sorted(logged.difference(FIRST))
    return [_draw(study, name, lines) for name in names]


def _lines(column: ColumnReport) -> dict[tuple[str, str], Line]:
    """By loss and split: means over the seeds."""
    by_seed: dict[tuple[str, str], list[Line]] = {}
    for run in column.runs:
        if run.stage != STAGE:
            continue
        for name, (steps, values) in run.curves.items():
            split, _, quantity = name.partition("/")
            loss = quantity.removesuffix("_epoch")
            is_kept = split == DEV or (split == TRAIN and quantity.endswith("_epoch"))
            if is_kept and not loss.endswith("accuracy") and steps:
                by_seed.setdefault((loss, split), []).append((np.array(steps), np.array(values, float)))
    return {key: mean_line(lines) for key, lines in by_seed.items()}


def mean_line(lines: list[Line]) -> Line:
    """Over the steps that all lines have; the first line alone where they share none."""
    steps = lines[0][0]
    for others, _ in lines[1:]:
        steps = np.intersect1d(steps, others)
    if not len(steps):
        return lines[0]
    # A resumed run may have logged a step twice; the last stands.
    tables = [dict(zip(found.tolist(), values.tolist(), strict=True)) for found, values in lines]
    steps = np.unique(steps)
    return steps, np.array([np.mean([table[step] for table in tables]) for step in steps.tolist()])


def _draw(study: StudyReport, name: str, lines: dict[str, dict[tuple[str, str], Line]]) -> Picture:
    figure, axes = panel()
    looks, said = strokes(study), []
    # The reference last, so that it lies on top.
    for column in sorted(study.columns, key=lambda column: column.id == study.reference):
        look = looks[column.id]
        for split, alpha, width in ((TRAIN, 0.4, 0.7), (DEV, 1.0, 1.0)):
            if (name, split) not in lines[column.id]:
                continue
            steps, values = lines[column.id][name, split]
            axes.plot(
                steps, values, color=look.colour, linestyle=look.style, linewidth=width * look.width,
                alpha=alpha,
            )  # fmt: skip
            if split == DEV:
                said.append(f"{column.id} {values[-1]:.3g}")
    step_axis(axes, 4)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    grid(axes, "y")
    label_below(axes, "optimisation step", LABEL_SIZE)
    title = readable(name)
    return svg_picture(
        figure, title, f"{title} over steps; last on the dev split: {', '.join(said) or 'none'}"
    )
