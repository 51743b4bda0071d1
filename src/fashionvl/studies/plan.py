"""A plan: plain make rules that bring studies up to date, one target a stage, its command spelled out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fashionvl.studies.layout import common, run_folder
from fashionvl.studies.recipe import Command, Stage
from fashionvl.studies.study import PARENT, Column, Study

SHARED_SEED = 0
"""Seed of shared stages."""

SIGNATURE = "# Written by `fashionvl plan`"
"""First line of a plan."""

HEADER = f"""\
{SIGNATURE}; written anew when a study, a recipe or an overlay changes. Edit those instead.
# The Makefile that includes this sets FASHIONVL, THREADS, LAUNCH, WANDB, SHOW and ARGS.
"""


@dataclass(frozen=True)
class Setting:
    """Scale, data and folders of the planned runs.

    Attributes:
        scale: of the recipe.
        seeds: each column runs once with each.
        runs: folder that will hold the runs of this scale and data.
        data: folder of the data; None draws the synthetic catalogue.
    """

    scale: str
    seeds: tuple[int, ...]
    runs: Path
    data: Path | None = None


@dataclass(frozen=True)
class Job:
    """One stage of one column with one seed.

    Attributes:
        folder: its run folder.
        command: of `fashionvl`.
        options: of the command, in order; later ones win, and the column's overlay comes after the scale.
        files: what the run depends on.
        after: run folders of the stages whose results it takes.
    """

    folder: Path
    command: Command
    options: tuple[tuple[str, str], ...]
    files: tuple[Path, ...]
    after: tuple[Path, ...]

    @property
    def stamp(self) -> Path:
        """The file that says it is done."""
        return self.folder / ".done"


def jobs_of(study: Study, setting: Setting) -> list[Job]:
    """Every job of a study, each after those whose results it takes; all columns with one seed first.

    Raises:
        InputError: the recipe does not have the scale.
    """
    return [
        _job(study, stage, column, seed, setting)
        for seed in setting.seeds
        for column in (study.reference, *(other for other in study.columns if other != study.reference))
        for stage in study.recipe.at(setting.scale)
    ]


def overlays(stage: Stage, column: Column) -> tuple[Path, ...]:
    """The column's own file for a stage, if it has one."""
    return (column.overlays[stage.name],) if stage.name in column.overlays else ()


def layers(stage: Stage, column: Column, scale: str, taken: dict[str, str]) -> list[tuple[str, str]]:
    """List the layers of a stage's configuration in order: the scale, its inputs, the column.

    Args:
        stage: of the recipe.
        column: whose overlay comes last.
        scale: of the recipe.
        taken: what each configuration key takes from an earlier stage.
    """
    return [
        *(("config", str(file)) for file in stage.files(scale)),
        *taken.items(),
        *(("config", str(file)) for file in overlays(stage, column)),
    ]


def _job(study: Study, stage: Stage, column: Column, seed: int, setting: Setting) -> Job:
    folder = run_folder(setting.runs, study.recipe, stage, column, seed)
    inputs = {
        taken: run_folder(setting.runs, study.recipe, study.recipe.stage(taken.stage), column, seed)
        for taken in study.recipe.inputs(stage, setting.scale)
    }
    given = {taken.key: taken.place(str(earlier)) for taken, earlier in inputs.items()}
    options = layers(stage, column, setting.scale, given)
    if setting.data:
        options.append(("data.init_args.root", str(setting.data)))
    home, name = column.home, column.id
    if common(study.recipe, stage, column):
        home, name = study.recipe.name, PARENT
    options += [
        ("seed_everything", str(SHARED_SEED if stage.shared else seed)),
        ("name", f"{home}/{name}/{stage.name}"),
        ("study", home),
        ("column", name),
        ("stage", stage.name),
        ("scale", setting.scale),
        ("run_dir", str(folder)),
        ("when_changed", "set_aside"),
    ]
    files = (*stage.files(setting.scale), *overlays(stage, column))
    return Job(folder, stage.command, tuple(options), files, tuple(dict.fromkeys(inputs.values())))


def rules(studies: list[Study], setting: Setting) -> str:
    """The text of an included makefile: `stages-STUDY` for each study, and a rule a stage.

    Raises:
        InputError: a recipe does not have the scale.
    """
    blocks = [HEADER]
    told: set[Path] = set()
    for study in studies:
        jobs = jobs_of(study, setting)
        stamps = " \\\n  ".join(dict.fromkeys(str(job.stamp) for job in jobs))
        goal = f"stages-{study.name.replace('_', '-')}"
        blocks.append(f"# {study.title}: {study.question}\n.PHONY: {goal}\n{goal}: \\\n  {stamps}\n")
        for job in jobs:
            if job.folder not in told:
                told.add(job.folder)
                blocks.append("\n".join(_rule(job)) + "\n")
    return "\n".join(blocks)


def _rule(job: Job) -> Iterator[str]:
    needed = [str(file) for file in dict.fromkeys(job.files)]
    needed += [str(earlier / ".done") for earlier in job.after]
    yield f"{job.stamp}: {' '.join(needed)}"
    yield f"\tOMP_NUM_THREADS=$(THREADS) $(LAUNCH) $(FASHIONVL) {job.command} \\"
    for key, value in job.options:
        yield f"\t  --{key} {value} \\"
    yield "\t  --wandb $(WANDB) $(SHOW) $(ARGS)"
    yield "\t@touch $@"
