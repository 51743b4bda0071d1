"""Kaleido-BERT's patch tasks at the end of pre-training, one small plot a task (its Fig. 7)."""

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator

from fashionvl.reporting.canvas import BLUE, FONT, INK, ORANGE, QUIET
from fashionvl.reporting.page.drawing import LABEL_SIZE, Picture, row_panel, svg_picture
from fashionvl.reporting.study.formatting import number
from fashionvl.reporting.study.records import StudyReport
from fashionvl.reporting.study.single_tasks import Ended, SingleTask, tasks_ended

ROOM = 1.3
"""Length of the scale over the longest bar: the value stands behind it."""


def single_task_panels(study: StudyReport) -> list[Picture]:
    """Bars by column for each task that any column was trained on."""
    return [_draw(study, task, found) for task, found in tasks_ended(study)]


def _draw(study: StudyReport, task: SingleTask, found: dict[str, Ended]) -> Picture:
    shown = [column.id for column in study.columns if column.id in found]
    figure, axes = row_panel(shown, task.unit)
    for row, name in enumerate(shown):
        _bar(axes, row, found[name], task, INK if name == study.reference else BLUE)
    longest = max([end.value for end in found.values()] + [task.chance or 0])
    axes.set_xlim(0, ROOM * longest if longest > 0 else 1)
    if task.chance is not None:
        axes.axvline(task.chance, color=ORANGE, linewidth=1.4, linestyle="--", zorder=4)
    # No tick where only the values stand.
    axes.xaxis.set_major_locator(FixedLocator(list(MaxNLocator(3).tick_values(0, longest))[:-1]))
    return svg_picture(figure, task.name, _in_words(task, found))


def _bar(axes: Axes, row: int, end: Ended, task: SingleTask, colour: str) -> None:
    axes.barh(row, end.value, height=0.5, color=colour, alpha=0.85, zorder=2)
    if end.sd is not None:
        axes.plot(
            list(end.by_seed.values()), [row] * len(end.by_seed), "o", color=QUIET, markersize=3, zorder=3
        )
    axes.annotate(
        number(end.value, task.digits), (max(end.value, *end.by_seed.values()), row), (6, 0),
        textcoords="offset points", fontsize=LABEL_SIZE, color=INK, fontfamily=FONT, va="center_baseline",
        zorder=5,
    )  # fmt: skip


def _in_words(task: SingleTask, found: dict[str, Ended]) -> str:
    said = ", ".join(f"{name} {number(end.value, task.digits)}" for name, end in found.items())
    chance = "" if task.chance is None else f"; chance {number(task.chance, 1)}"
    return f"{task.name}, {task.unit} on the dev split at the end of pre-training: {said}{chance}"
