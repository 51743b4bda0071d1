"""A study: a folder of overlays over one recipe, and a `study.yaml` that says what they ask."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fashionvl.configuration import digest, flatten, read_yaml, within
from fashionvl.errors import InputError
from fashionvl.files.shipped import found
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
        overlays: the file laid over each stage that the column changes; empty for the unchanged recipe.
    """

    id: str
    label: str
    home: str
    overlays: dict[str, Path] = field(default_factory=dict)

    @property
    def files(self) -> tuple[Path, ...]:
        """Overlay files of the column, each once."""
        return tuple(dict.fromkeys(self.overlays.values()))


@dataclass(frozen=True)
class Study:
    """A study: its columns, recipe and the table of the paper it repeats.

    Attributes:
        name: of the study and of its folder.
        title: a few words.
        question: one sentence.
        recipe: what every column is laid over.
        columns: in the order they are shown.
        reference: the column the others are compared with.
        keys: configuration keys an overlay may set.
        stages: stages of the recipe that overlays may apply to; a shared one runs once for each column that
            changes it.
        axis: the key whose value orders the columns, where that is a number; None otherwise.
        axis_label: its name and unit in a plot.
        paper: the paper's table, such as `mvlt_table3`; None where no paper has this study.
        source: where the study comes from, in words.
        paper_columns: the paper's name of each column that the table calls otherwise.
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
    paper_columns: dict[str, str] = field(default_factory=dict)

    def printed(self, column: str) -> str:
        """Return the name of a column in the paper's table."""
        return self.paper_columns.get(column, column)

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
        folder: holds one folder a study; a study that is not there is looked for in the package.

    Raises:
        InputError: there is no such study (those there are, are named), a file it names is missing, an
            overlay sets a key the study does not allow or is of a stage it does not vary, or two columns say
            the same.
    """
    name = name.replace("-", "_")
    file = found(folder / name / FILE)
    if not file.is_file():
        raise InputError(
            f"no study {name!r} in {folder}/; there are {', '.join(find_studies(found(folder))) or 'none'}"
        )
    content = read_yaml(file)
    check_fields(
        content, file, "",
        required=("title", "question", "recipe", "columns", "keys"),
        optional=("reference", "stages", "axis", "axis_label", "paper", "paper_columns", "source"),
    )  # fmt: skip
    recipe = read_recipe(_recipe_file(content["recipe"], file))
    stages = _stages(content.get("stages", ["pretrain"]), file, recipe)
    columns = _columns(member(content, "columns", dict, file), file, recipe, stages)
    keys = tuple(list_of(content["keys"], file, "keys"))
    _check_overlays(columns, keys)
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
        paper_columns=_paper_columns(content, columns, file),
    )


def unchanged(recipe: Recipe) -> Study:
    """The recipe itself as a study of one column; its runs are those of every study's `Final`."""
    final = Column(PARENT, "the recipe", recipe.name)
    return Study(
        name=recipe.name,
        title=recipe.name,
        question="the recipe itself",
        recipe=recipe,
        columns=(final,),
        reference=final,
        keys=(),
        stages=tuple(stage.name for stage in recipe.stages),
        axis=None,
        axis_label="",
        paper=None,
        source="",
    )


def _recipe_file(name: str, file: Path) -> Path:
    # Relative to where the command runs, like every other path a user writes in a configuration.
    path = found(Path(name))
    if not path.is_file():
        raise InputError(f"{file}: recipe names {path}, which is not there")
    return path


def _stages(named: Any, file: Path, recipe: Recipe) -> tuple[str, ...]:
    stages = tuple(list_of(named, file, "stages"))
    for stage in stages:
        if stage not in [known.name for known in recipe.stages]:
            raise InputError(f"{file}: stages names {stage!r}, which {recipe.file} does not have")
    return stages


def _columns(
    labels: dict[str, Any], file: Path, recipe: Recipe, stages: tuple[str, ...]
) -> tuple[Column, ...]:
    columns = []
    for name, label in labels.items():
        changes = name != PARENT
        home = file.parent.name if changes else recipe.name
        overlays = _overlays(name, file, stages) if changes else {}
        columns.append(Column(name, str(label), home, overlays))
    return tuple(columns)


def _overlays(column: str, file: Path, stages: tuple[str, ...]) -> dict[str, Path]:
    """Return the overlay of each stage: `COLUMN.STAGE.yaml` where there is one, otherwise `COLUMN.yaml`."""
    own = {path.name.split(".")[-2]: path for path in sorted(file.parent.glob(f"{column}.*.yaml"))}
    for stage, path in own.items():
        if stage not in stages:
            raise InputError(f"{path}: overlay of {stage!r}; the stages of {file} are {', '.join(stages)}")
    general = file.parent / f"{column}.yaml"
    if not own and not general.is_file():
        raise InputError(f"{file}: columns names {column}, but {general} is not there")
    rest = {stage: general for stage in stages if general.is_file()}
    return {stage: (rest | own)[stage] for stage in stages if stage in rest | own}


def _paper_columns(content: dict[str, Any], columns: tuple[Column, ...], file: Path) -> dict[str, str]:
    if "paper_columns" not in content:
        return {}
    names = member(content, "paper_columns", dict, file)
    for name in names:
        if name not in [column.id for column in columns]:
            raise InputError(f"{file}: paper_columns names {name}, which is not among the columns")
    return {name: str(printed) for name, printed in names.items()}


def _check_overlays(columns: tuple[Column, ...], keys: tuple[str, ...]) -> None:
    seen: dict[str, Path] = {}
    for column in columns:
        contents = {stage: flatten(read_yaml(file)) for stage, file in column.overlays.items()}
        for stage, content in contents.items():
            for key in content:
                if not within(key, keys):
                    raise InputError(
                        f"{column.overlays[stage]}: sets {key or 'nothing'}; "
                        f"this study may set {', '.join(keys)}"
                    )
        said = digest(contents)
        if contents and said in seen:
            raise InputError(f"{column.files[0]}: sets the same as {seen[said]}; columns must differ")
        if contents:
            seen[said] = column.files[0]


def _reference(name: str, columns: tuple[Column, ...], file: Path) -> Column:
    for column in columns:
        if column.id == name:
            return column
    raise InputError(f"{file}: reference {name!r} is not among the columns")
