"""A study: a folder of overlays over one recipe, and a `study.yaml` that says what they ask."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fashionvl.configuration import flatten, read_yaml, within
from fashionvl.errors import InputError
from fashionvl.studies.fields import check_fields, list_of, member
from fashionvl.studies.recipe import Recipe, read_recipe

FOLDER = Path("ablations")
FILE = "study.yaml"
PARENT = "Final"
"""The column that is the recipe itself, as the last column of MVLT Table 3 is called."""


@dataclass(frozen=True)
class Column:
    """One variant.

    Attributes:
        id: as in the paper's table: `A1`, `Final`.
        label: what it sets, in a word or two.
        home: folder its runs live under: the study's name, or the recipe's for the unchanged recipe, which
            all studies share.
        overlay: None for the unchanged recipe.
    """

    id: str
    label: str
    home: str
    overlay: Path | None


@dataclass(frozen=True)
class Study:
    """What is compared.

    Attributes:
        name: of the study and of its folder.
        title: a few words.
        question: one sentence.
        recipe: what every column is laid over.
        columns: in the order they are shown.
        reference: the column the others are compared with.
        keys: configuration keys an overlay may set.
        stages: stages of the recipe that the overlays apply to.
        axis: the key whose value orders the columns, where that is a number; None otherwise.
        axis_label: its name and unit in a plot.
        paper: the paper's table, such as `mvlt_table3`, with the same column names; None where no paper has
            this study.
        source: where the study comes from, in words.
    """

    name: str
    title: str
    question: str
    recipe: Recipe
    columns: tuple[Column, ...]
    reference: Column
    keys: tuple[str, ...]
    stages: tuple[str, ...]
    axis: str | None
    axis_label: str
    paper: str | None
    source: str

    def column(self, name: str) -> Column:
        """The column of that name, which the study must have."""
        return next(column for column in self.columns if column.id == name)


def find_studies(folder: Path = FOLDER) -> list[str]:
    """Names of the studies in a folder."""
    return sorted(file.parent.name for file in folder.glob(f"*/{FILE}"))


def read_study(name: str, folder: Path = FOLDER) -> Study:
    """Read and check one study.

    Args:
        name: its folder's; `-` reads as `_`, as make targets are written.
        folder: holds one folder a study.

    Raises:
        InputError: there is no such study (those there are, are named), a file it names is missing, an
            overlay sets a key the study does not allow, or two overlays say the same.
    """
    name = name.replace("-", "_")
    file = folder / name / FILE
    if not file.is_file():
        raise InputError(
            f"no study {name!r} in {folder}/; there are {', '.join(find_studies(folder)) or 'none'}"
        )
    content = read_yaml(file)
    check_fields(
        content, file, "",
        required=("title", "question", "recipe", "columns", "keys"),
        optional=("reference", "stages", "axis", "axis_label", "paper", "source"),
    )  # fmt: skip
    recipe = read_recipe(_recipe_file(content["recipe"], file))
    columns = _columns(member(content, "columns", dict, file), file, recipe)
    keys = tuple(list_of(content["keys"], file, "keys"))
    _check_overlays(columns, keys)
    stages = tuple(list_of(content.get("stages", ["pretrain"]), file, "stages"))
    for stage in stages:
        if stage not in [known.name for known in recipe.stages]:
            raise InputError(f"{file}: stages names {stage!r}, which {recipe.file} does not have")
    return Study(
        name=name,
        title=str(content["title"]),
        question=str(content["question"]),
        recipe=recipe,
        columns=columns,
        reference=_reference(content.get("reference", PARENT), columns, file),
        keys=keys,
        stages=stages,
        axis=content.get("axis"),
        axis_label=content.get("axis_label", ""),
        paper=content.get("paper"),
        source=content.get("source", ""),
    )


def _recipe_file(name: str, file: Path) -> Path:
    # Relative to where the command runs, like every other path a user writes in a configuration.
    path = Path(name)
    if not path.is_file():
        raise InputError(f"{file}: recipe names {path}, which is not there")
    return path


def _columns(labels: dict[str, Any], file: Path, recipe: Recipe) -> tuple[Column, ...]:
    columns = []
    for name, label in labels.items():
        overlay = None if name == PARENT else file.parent / f"{name}.yaml"
        if overlay is not None and not overlay.is_file():
            raise InputError(f"{file}: columns names {name}, but {overlay} is not there")
        home = recipe.name if overlay is None else file.parent.name
        columns.append(Column(name, str(label), home, overlay))
    return tuple(columns)


def _check_overlays(columns: tuple[Column, ...], keys: tuple[str, ...]) -> None:
    seen: dict[str, Path] = {}
    for column in columns:
        if column.overlay is None:
            continue
        content = flatten(read_yaml(column.overlay))
        for key in content:
            if not within(key, keys):
                raise InputError(
                    f"{column.overlay}: sets {key or 'nothing'}; this study may set {', '.join(keys)}"
                )
        said = repr(sorted(content.items()))
        if said in seen:
            raise InputError(f"{column.overlay}: sets the same as {seen[said]}; columns must differ")
        seen[said] = column.overlay


def _reference(name: str, columns: tuple[Column, ...], file: Path) -> Column:
    for column in columns:
        if column.id == name:
            return column
    raise InputError(f"{file}: reference {name!r} is not among the columns")
