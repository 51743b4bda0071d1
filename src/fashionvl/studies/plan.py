"""A plan: plain make rules that bring studies up to date, one target a stage, its command spelled out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fashionvl.studies.layout import run_folder
from fashionvl.studies.recipe import Stage
from fashionvl.studies.study import PARENT, Column, Study

SHARED_SEED = 0
"""Of stages that all columns and seeds share."""

HEADER = """\
# Written by `fashionvl plan`; written anew when a study, a recipe or an overlay changes. Edit those instead.
# The Makefile that includes this sets FASHIONVL, THREADS, LAUNCH, WANDB, SHOW and ARGS.
"""


@dataclass(frozen=True)
class Setting:
    """Where and on what the studies run.

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
        options: of `fashionvl fit`, in order; later ones win, and the column's overlay comes after the scale.
        files: what the run depends on.
        after: run folder of the stage whose weights it starts from, or None.
    """

    folder: Path
    options: tuple[tuple[str, str], ...]
    files: tuple[Path, ...]
    after: Path | None

    @property
    def stamp(self) -> Path:
        """The file that says it is done."""
        return self.folder / ".done"


def jobs_of(study: Study, setting: Setting) -> list[Job]:
    """Every job of a study, each after those it starts from; all columns with one seed before the next.

    Raises:
        InputError: the recipe does not have the scale.
    """
    return [
        _job(study, stage, column, seed, setting)
        for seed in setting.seeds
        for column in (study.reference, *(other for other in study.columns if other != study.reference))
        for stage in study.recipe.at(setting.scale)
    ]


def overlays(study: Study, stage: Stage, column: Column) -> tuple[Path, ...]:
    """The column's own file, if the stage takes it."""
    takes = stage.name in study.stages and not stage.shared
    return (column.overlay,) if column.overlay and takes else ()


def layers(
    study: Study, stage: Stage, column: Column, scale: str, weights: str | None
) -> list[tuple[str, str]]:
    """What decides a stage's configuration, in the order it is laid: the scale, the weights, the column."""
    options = [("config", str(file)) for file in stage.files(scale)]
    if weights is not None and stage.weights_key:
        options.append((stage.weights_key, weights))
    return options + [("config", str(file)) for file in overlays(study, stage, column)]


def _job(study: Study, stage: Stage, column: Column, seed: int, setting: Setting) -> Job:
    folder = run_folder(setting.runs, study.recipe, stage, column, seed)
    start = _start(study, stage, column, seed, setting)
    # Path drops an empty last part.
    options = layers(study, stage, column, setting.scale, str(start / stage.weights_path) if start else None)
    if setting.data:
        options.append(("data.init_args.root", str(setting.data)))
    home, name = (study.recipe.name, PARENT) if stage.shared else (column.home, column.id)
    options += [
        ("seed_everything", str(SHARED_SEED if stage.shared else seed)),
        ("name", f"{home}/{name}/{stage.name}"),
        ("study", home),
        ("column", name),
        ("stage", stage.name),
        ("run_dir", str(folder)),
        ("when_changed", "set_aside"),
    ]
    files = (*stage.files(setting.scale), *overlays(study, stage, column))
    return Job(folder, tuple(options), files, start)


def _start(study: Study, stage: Stage, column: Column, seed: int, setting: Setting) -> Path | None:
    """The run folder a stage starts from, unless the scale leaves that stage out."""
    earlier = study.recipe.before(stage, setting.scale)
    return run_folder(setting.runs, study.recipe, earlier, column, seed) if earlier else None


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
    if job.after:
        needed.append(str(job.after / ".done"))
    yield f"{job.stamp}: {' '.join(needed)}"
    yield "\tOMP_NUM_THREADS=$(THREADS) $(LAUNCH) $(FASHIONVL) fit \\"
    for key, value in job.options:
        yield f"\t  --{key} {value} \\"
    yield "\t  --wandb $(WANDB) $(SHOW) $(ARGS)"
    yield "\t@touch $@"
