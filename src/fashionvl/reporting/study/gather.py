"""Every run folder of a study, by column, stage and seed; what is not there is said, not an error."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fashionvl.configuration import flatten
from fashionvl.errors import InputError
from fashionvl.reporting.study.records import State
from fashionvl.reporting.study.stage_runs import StudyRun, check_same, read_study_run
from fashionvl.runs.bundle import open_runs
from fashionvl.runs.places import Files
from fashionvl.runs.reading import Run, read_run
from fashionvl.studies import Column, Study, run_folder
from fashionvl.studies.recipe import Stage

MASKED = {"examples/mig": ("original", "hidden")}
"""The arrays of `masked_picture`."""

WORST_FIRST: tuple[State, ...] = ("failed", "missing", "unfinished", "done")


@dataclass(frozen=True)
class GatheredColumn:
    """The runs of one column: every stage and seed asked for."""

    column: Column
    runs: list[StudyRun]

    @property
    def state(self) -> State:
        """State of all its stages and seeds together."""
        states = {run.shown.state for run in self.runs}
        return next((state for state in WORST_FIRST if state in states), "missing")

    def tested(self, protocol: str) -> dict[int, Run]:
        """The usable runs that were tested on a protocol, by seed.

        Raises:
            InputError: two stages of one seed were tested on it.
        """
        found: dict[int, Run] = {}
        for run in self.runs:
            if run.usable and any(key.startswith(f"{protocol}/") for key in run.read.test):
                seed = run.shown.seed
                if seed in found:
                    raise InputError(
                        f"{found[seed].path} and {run.read.path} were both tested on {protocol}; "
                        "a table takes one stage"
                    )
                found[seed] = run.read
        return found


@dataclass(frozen=True)
class Gathered:
    """A study and its runs.

    Attributes:
        study: as read.
        scale: of the runs.
        root: folder of the runs, or the file that holds them.
        seeds: asked for, or found.
        columns: in the order of the study.
        data: fingerprint that all runs share; empty when none has recorded one.
    """

    study: Study
    scale: str
    root: Path
    seeds: list[int]
    columns: list[GatheredColumn]
    data: str

    def tested(self, protocol: str) -> dict[tuple[str, int], Run]:
        """The usable runs that were tested on a protocol, by column and seed."""
        return {
            (found.column.id, seed): run
            for found in self.columns
            for seed, run in found.tested(protocol).items()
        }


def gather(
    study: Study, root: Path, scale: str, seeds: list[int] | None = None, files: Files | None = None
) -> Gathered:
    """Read the run folders of a study.

    Args:
        study: whose columns.
        root: folder of the runs of one scale, or the file that holds them.
        scale: of the recipe.
        seeds: None takes every seed that any column has a folder of, or seed 0 where there is none.
        files: those under `root`; None opens them.

    Raises:
        InputError: the recipe lacks the scale, a file is damaged, or runs of different scales, data or
            candidates would stand in one table.
    """
    files = files or open_runs(root)
    seeds = sorted(set(seeds)) if seeds else seeds_there(study, root, files)
    runs = [_runs(study, root, scale, column, seeds, files) for column in study.columns]
    later = _added_later(study, [run for found in runs for run in found])
    columns = [
        GatheredColumn(column, [run for run in found if run.shown.stage not in later])
        for column, found in zip(study.columns, runs, strict=True)
    ]
    data = check_same([run for column in columns for run in column.runs], scale)
    return Gathered(study, scale, root, seeds, columns, data)


def check_together(gathered: list[Gathered]) -> str:
    """Check that studies may stand in one report; the fingerprint of their data.

    Raises:
        InputError: runs of two studies differ in scale, data or candidates.
    """
    runs = [run for found in gathered for column in found.columns for run in column.runs]
    return check_same(runs, gathered[0].scale)


def seeds_there(study: Study, root: Path, files: Files) -> list[int]:
    """Seeds any column has a folder of; 0 where there is none."""
    names = [name for column in study.columns for name in files.folders(root / column.home / column.id)]
    return sorted({int(found[1]) for name in names if (found := re.fullmatch(r"seed(\d+)", name))}) or [0]


def _runs(
    study: Study, root: Path, scale: str, column: Column, seeds: list[int], files: Files
) -> list[StudyRun]:
    """By stage, then seed; a shared stage once, whose seed is 0."""
    return [
        read_study_run(
            read_run(run_folder(root, study.recipe, stage, column, seed), files),
            stage.name,
            seed,
            stage.shared,
        )
        for stage in study.recipe.at(scale)
        for seed in ([0] if stage.shared else seeds)
    ]


def _added_later(study: Study, runs: list[StudyRun]) -> set[str]:
    """Shared stages that no column has run and that no finished run takes anything from, though it could.

    The recipe had no such stage when those ran, so that nothing is missing.
    """
    there = {run.shown.stage for run in runs if run.shown.state != "missing"}
    done = [(run, flatten(run.read.config() or {})) for run in runs if run.shown.state == "done"]
    return {
        stage.name
        for stage in study.recipe.stages
        if stage.shared and stage.name not in there and _all_without(study, stage, done)
    }


def _all_without(study: Study, stage: Stage, done: list[tuple[StudyRun, dict[str, Any]]]) -> bool:
    """Return whether there are finished runs that could take a stage's result, and none names one."""
    taken = [
        config.get(given.key)
        for run, config in done
        for given in study.recipe.stage(run.shown.stage).inputs
        if given.stage == stage.name and config
    ]
    return bool(taken) and not any(taken)


def axis_value(study: Study, column: GatheredColumn) -> float | None:
    """Value of the study's axis key in the resolved configuration of the column's first run that has it."""
    if study.axis is None:
        return None
    for run in column.runs:
        value: Any = flatten(run.read.config() or {}).get(study.axis)
        if isinstance(value, int | float) and run.shown.stage in study.stages:
            return float(value)
    return None


def masked_picture(column: GatheredColumn) -> np.ndarray | None:
    """First test photograph `[H, W, 3]` uint8, its hidden area at zero; None where nothing is masked."""
    for run in column.runs:
        if run.usable:
            try:
                found = run.read.arrays("examples/mig", MASKED["examples/mig"])
            except InputError:
                # An older test kept no `hidden`; a picture is no number, so the report goes on without it.
                continue
            if found is not None and len(found["original"]):
                return np.where(found["hidden"][0][..., None], np.uint8(0), found["original"][0])
    return None
