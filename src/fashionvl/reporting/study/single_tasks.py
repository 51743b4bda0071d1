"""Kaleido-BERT's five patch tasks at the end of pre-training, on the dev split (its Fig. 7)."""

from dataclasses import dataclass
from statistics import fmean, stdev

from fashionvl.reporting.study.records import ColumnReport, StageRun, StudyReport

STAGE = "pretrain"


@dataclass(frozen=True)
class SingleTask:
    """One of the five.

    Attributes:
        logged: in `metrics.csv`.
        name: of the task.
        unit: what its number is.
        digits: after the point.
        chance: what guessing gets, in the unit; None where that has no number.
        scale: from the logged number to the unit.
    """

    logged: str
    name: str
    unit: str
    digits: int
    chance: float | None = None
    scale: float = 1.0

    @property
    def key(self) -> str:
        """`rotation` of `dev/rotation_accuracy`."""
        return self.logged.removeprefix("dev/").removesuffix("_accuracy")


SINGLE_TASKS = (
    SingleTask("dev/rotation_accuracy", "rotation", "accuracy %", 1, 100 / 4, 100),
    SingleTask("dev/jigsaw_accuracy", "jigsaw", "accuracy %", 1, 100 / 24, 100),
    SingleTask("dev/camouflage_accuracy", "camouflage", "accuracy %", 1, 100 / 9, 100),
    SingleTask("dev/grey", "grey to colour", "KLD", 4),
    SingleTask("dev/blank", "blank to colour", "KLD", 4),
)
"""Kaleido-BERT section 3.5: 4 quarter turns, 24 orders of level 2, 9 patches of level 3, equally likely."""


@dataclass(frozen=True)
class Ended:
    """Final value of one task of one column: mean over seeds, its deviation, and each seed's."""

    value: float
    sd: float | None
    by_seed: dict[int, float]


def last_logged(curves: dict[str, tuple[list[int], list[float]]], task: SingleTask) -> float | None:
    """The last number of a task, in its unit; None where it was not logged."""
    values = curves.get(task.logged, ([], []))[1]
    return task.scale * values[-1] if values else None


def ended(column: ColumnReport, task: SingleTask) -> Ended | None:
    """Over the column's finished runs; None where none has the task."""
    found = {
        run.seed: value
        for run in column.runs
        if _counts(run) and (value := last_logged(run.curves, task)) is not None
    }
    if not found:
        return None
    values = list(found.values())
    return Ended(fmean(values), stdev(values) if len(values) > 1 else None, found)


def tasks_ended(study: StudyReport) -> list[tuple[SingleTask, dict[str, Ended]]]:
    """Each task that any column has, and where it ended by column."""
    found = [
        (task, {column.id: end for column in study.columns if (end := ended(column, task))})
        for task in SINGLE_TASKS
    ]
    return [(task, by_column) for task, by_column in found if by_column]


def _counts(run: StageRun) -> bool:
    return run.stage == STAGE and run.state == "done"
