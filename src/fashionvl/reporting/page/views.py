"""Views of a report for the template, which itself only lays them out."""

from dataclasses import dataclass

from fashionvl.reporting.page.differences import axis_places, difference_panels
from fashionvl.reporting.page.drawing import Picture, photograph
from fashionvl.reporting.page.losses import Stroke, loss_panels, strokes
from fashionvl.reporting.page.means import mean_panels
from fashionvl.reporting.page.single_tasks import single_task_panels
from fashionvl.reporting.page.tasks import Task, procedures_of, samples_of, tasks_of
from fashionvl.reporting.study.power import last_row
from fashionvl.reporting.study.records import ColumnReport, Metric, StageRun, StudyReport, Verdict
from fashionvl.reporting.study.verdicts import excluded_words

KINDS = ("better", "worse", "mixed", "same", "unknown")
"""Kinds of verdicts; `unknown` was not measured, or was measured on another task."""


@dataclass(frozen=True)
class Mask:
    """One photograph of the row in the style of MVLT's Fig. 8; `picture` is None where `words` say why."""

    column: ColumnReport
    picture: Picture | None
    words: str


@dataclass(frozen=True)
class Outcome:
    """Ids of the columns by their verdicts in one group of tasks.

    Attributes:
        group: of tasks.
        excluded: what is excluded of every column of `same`; empty where there is none.
        better, worse, mixed, same, unknown: `KINDS`.
    """

    group: str
    excluded: str
    better: list[str]
    worse: list[str]
    mixed: list[str]
    same: list[str]
    unknown: list[str]


@dataclass(frozen=True)
class Cost:
    """Cost of one stage of one column, means over the seeds that have it."""

    column: ColumnReport
    stage: str
    parameters: float | None
    flops: float | None
    pairs_per_second: float | None
    peak_mb: float | None
    seconds: float | None
    runs: list[StageRun]


@dataclass(frozen=True)
class Source:
    """Runs of one stage of one column that differ in nothing but the seed; `first` opens the column."""

    column: ColumnReport
    first: bool
    runs: list[StageRun]


@dataclass(frozen=True)
class StudyView:
    """One section of the page."""

    study: StudyReport
    tasks: list[Task]
    samples: str
    power: str
    procedures: list[tuple[str, str]]
    outcomes: list[Outcome]
    kinds: dict[tuple[str, str], str]
    open: list[ColumnReport]
    panels: list[Picture]
    means: list[Picture]
    has_axis: bool
    single_tasks: list[Picture]
    losses: list[Picture]
    strokes: dict[str, Stroke]
    masks: list[Mask]
    costs: list[Cost]
    sources: list[Source]


def view(study: StudyReport) -> StudyView:
    """Draw and count everything a section needs."""
    tasks, outcomes = tasks_of(study.metrics), outcomes_of(study)
    return StudyView(
        study=study,
        tasks=tasks,
        samples=samples_of(tasks),
        power=last_row(study),
        procedures=procedures_of(tasks),
        outcomes=outcomes,
        kinds=kinds_of(outcomes),
        open=[column for column in study.columns if column.state != "done"],
        panels=difference_panels(study),
        means=mean_panels(study),
        has_axis=axis_places(study) is not None,
        single_tasks=single_task_panels(study),
        losses=loss_panels(study),
        strokes=strokes(study),
        masks=masks_of(study),
        costs=costs_of(study),
        sources=sources_of(study),
    )


def outcomes_of(study: StudyReport) -> list[Outcome]:
    """Collect the verdicts by group of tasks."""
    outcomes = []
    for group in dict.fromkeys(group for column in study.columns for group in column.verdicts):
        found: dict[str, list[str]] = {kind: [] for kind in KINDS}
        for column in study.columns:
            if group not in column.verdicts:
                continue
            kind = kind_of(column.verdicts[group])
            # Of a column that has not ended, its state says enough.
            if kind != "unknown" or column.state == "done":
                found[kind].append(column.id)
        same = [column.verdicts[group] for column in study.columns if column.id in found["same"]]
        bounds = [bound for verdict in same for bound in verdict.excluded]
        outcomes.append(Outcome(group, excluded_words(bounds) if bounds else "", **found))
    return outcomes


def kind_of(verdict: Verdict) -> str:
    """One of `KINDS`."""
    return verdict.kind if verdict.kind in KINDS else "unknown"


def kinds_of(outcomes: list[Outcome]) -> dict[tuple[str, str], str]:
    """One of `KINDS` by column and group of tasks."""
    kinds: dict[tuple[str, str], str] = {}
    for outcome in outcomes:
        for kind in KINDS:
            kinds |= {(name, outcome.group): kind for name in getattr(outcome, kind)}
    return kinds


def masks_of(study: StudyReport) -> list[Mask]:
    """Every column's mask; none at all where no two columns differ in it."""
    pictures = [column.picture for column in study.columns]
    shown = {picture.tobytes() if picture is not None else None for picture in pictures}
    return [_mask(column) for column in study.columns] if len(shown) > 1 else []


def _mask(column: ColumnReport) -> Mask:
    if column.picture is None:
        return Mask(column, None, "no masking" if column.state == "done" else "no photograph yet")
    hidden = (column.picture == 0).all(-1).mean()
    alt = f"A photograph as {column.id} ({column.label}) masks it: {hidden:.0%} of it hidden"
    return Mask(column, photograph(column.picture, column.id, alt), "")


def costs_of(study: StudyReport) -> list[Cost]:
    """A line for every stage of every column that has run."""
    lines = []
    for column in study.columns:
        for stage in dict.fromkeys(run.stage for run in column.runs):
            runs = [run for run in column.runs if run.stage == stage and run.seconds is not None]
            if runs:
                lines.append(_cost(column, stage, runs))
    return lines


def _cost(column: ColumnReport, stage: str, runs: list[StageRun]) -> Cost:
    def mean(field: str) -> float | None:
        values = [value for run in runs if (value := getattr(run, field)) is not None]
        return sum(values) / len(values) if values else None

    return Cost(
        column,
        stage,
        parameters=mean("parameters"),
        flops=mean("flops"),
        pairs_per_second=mean("pairs_per_second"),
        peak_mb=mean("peak_mb"),
        seconds=mean("seconds"),
        runs=runs,
    )


def sources_of(study: StudyReport) -> list[Source]:
    """List the sources of the numbers, a line for all seeds where it is the same."""
    lines = []
    for column in study.columns:
        alike: dict[tuple[str, ...], list[StageRun]] = {}
        for run in column.runs:
            key = (run.stage, run.state, run.reason, run.commit, run.data, str(sorted(run.versions.items())))
            alike.setdefault(key, []).append(run)
        lines += [Source(column, number == 0, runs) for number, runs in enumerate(alike.values())]
    return lines


def source_of(column: ColumnReport, metric: Metric, seed: int) -> StageRun | None:
    """The run behind one seed's number; None where no such run is in the report."""
    found = [run for run in column.runs if run.seed == seed and run.stage == metric.stage]
    return found[0] if found and found[0].state != "missing" else None
