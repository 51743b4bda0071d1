"""`fashionvl plan`: write make rules for studies, after resolving every column with the real parser."""

from pathlib import Path
from typing import TYPE_CHECKING

from fashionvl.commands.study_options import study_parser
from fashionvl.configuration import digest
from fashionvl.errors import InputError
from fashionvl.files.ours import check_own
from fashionvl.files.shipped import found
from fashionvl.files.whole import written_whole
from fashionvl.studies.plan import SIGNATURE, Setting, layers, rules
from fashionvl.studies.recipe import Stage, read_recipe
from fashionvl.studies.study import Column, Study, read_study, unchanged

if TYPE_CHECKING:
    from fashionvl.commands.resolve import Resolver

DEFAULT_SEEDS = (0, 1, 2)


def main(arguments: list[str]) -> None:
    """Parse the command line and plan.

    Raises:
        InputError: nothing is named, a study or recipe is not there, or it cannot be planned.
    """
    parser = study_parser(
        "plan",
        "Write the make rules that run every column of some studies, or recipes alone.",
        required=False,
    )
    parser.add_argument(
        "--recipes", nargs="+", type=Path, default=[], metavar="FILE", help="run unchanged, as column Final"
    )
    parser.add_argument(
        "--data", type=Path, help="folder with the Fashion-Gen files; default: a synthetic catalogue"
    )
    parser.add_argument("--out", type=Path, help="file to write; default: RUNS/plans/STUDIES.mk")
    given = parser.parse_args(arguments)
    studies = [read_study(name, given.folder) for name in given.studies]
    studies += [unchanged(read_recipe(found(file))) for file in given.recipes]
    if not studies:
        raise InputError("plan: name at least one STUDY, or a recipe with --recipes FILE")
    runs = given.runs or Path("runs") / given.scale
    setting = Setting(given.scale, tuple(given.seeds or DEFAULT_SEEDS), runs, given.data)
    plan(studies, setting, given.out or runs / "plans" / f"{'+'.join(study.name for study in studies)}.mk")


def plan(studies: list[Study], setting: Setting, out: Path) -> None:
    """Check every column as `fit` would resolve it, then write the rules to `out` in one step.

    Raises:
        InputError: `out` is no plan, the data are not there, the recipe lacks the scale, or a column cannot
            be resolved.
    """
    if setting.data is not None and not setting.data.is_dir():
        raise InputError(f"--data: {setting.data} is not a folder; name the one with the Fashion-Gen files")
    check_own(out, SIGNATURE)
    text = rules(studies, setting)
    # Imported late: a misspelt study must not wait for torch.
    from fashionvl.commands.resolve import Resolver

    resolver = Resolver()
    for study in studies:
        check_columns(study, setting.scale, resolver)
    with written_whole(out) as file:
        file.write(text.encode())


def check_columns(study: Study, scale: str, resolver: "Resolver") -> None:
    """Resolve every column as `fit` would, so that a wrong key stops the plan and not the third hour.

    Raises:
        InputError: the parser refuses a column, or two columns are one configuration.
    """
    seen: dict[str, str] = {}
    for column in study.columns:
        resolved = []
        for stage in study.recipe.at(scale):
            if stage.name in study.stages:
                try:
                    resolved.append(resolver.resolve(_words(study, stage, column, scale)))
                except InputError as error:
                    raise InputError(
                        f"{column.overlays.get(stage.name, stage.base(scale))}: {error}"
                    ) from error
        mark = digest(resolved)
        if mark in seen:
            raise InputError(
                f"study {study.name}: columns {seen[mark]} and {column.id} resolve to the same configuration "
                f"at {scale} scale; let one of them differ or drop it"
            )
        seen[mark] = column.id


def _words(study: Study, stage: Stage, column: Column, scale: str) -> list[str]:
    # The name of the earlier stage stands for its run: where that lies differs between any two columns.
    taken = {found.key: found.place(found.stage) for found in study.recipe.inputs(stage, scale)}
    return [word for key, value in layers(stage, column, scale, taken) for word in (f"--{key}", value)]
