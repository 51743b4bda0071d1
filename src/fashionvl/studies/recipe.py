"""A recipe: the stages of one subject in the order they run, and the overlays each takes at each scale."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from fashionvl.configuration import read_yaml
from fashionvl.errors import InputError
from fashionvl.studies.fields import check_fields, list_of, member

FILE = "recipe.yaml"

Command = Literal["fit", "predict"]
COMMANDS: tuple[str, ...] = get_args(Command)


@dataclass(frozen=True)
class Input:
    """Input of a stage: an earlier stage's output.

    Attributes:
        key: configuration key that takes it.
        stage: the earlier stage of the recipe.
        path: what the key is given, relative to that stage's run folder; empty: the folder itself.
        scales: at which it is taken; None: wherever both stages run.
    """

    key: str
    stage: str
    path: str = ""
    scales: tuple[str, ...] | None = None

    def place(self, folder: str) -> str:
        """Return the value of the key when the earlier stage's run lies in `folder`."""
        return f"{folder}/{self.path}" if self.path else folder


@dataclass(frozen=True)
class Stage:
    """One run of `fashionvl fit` or `fashionvl predict`.

    Attributes:
        name: of the stage and of its run folder.
        config: the base file.
        overlays: by scale, laid over the base in this order; at a scale not named the recipe leaves the stage
            out.
        configs: by scale, the base file where it is another one: another task whose result is used alike.
        command: of `fashionvl`.
        shared: run once, from seed 0, for all columns and seeds, as ImageNet weights are.
        inputs: what it takes from earlier stages.
    """

    name: str
    config: Path
    overlays: dict[str, tuple[Path, ...]]
    command: Command = "fit"
    shared: bool = False
    inputs: tuple[Input, ...] = ()
    configs: dict[str, Path] = field(default_factory=dict)

    def base(self, scale: str) -> Path:
        """The base file at a scale."""
        return self.configs.get(scale, self.config)

    def files(self, scale: str) -> tuple[Path, ...]:
        """Base and overlays at a scale."""
        return (self.base(scale), *self.overlays[scale])


@dataclass(frozen=True)
class Recipe:
    """The stages of one subject, in order; `name` is the folder its unchanged runs live under."""

    name: str
    stages: tuple[Stage, ...]
    file: Path = field(compare=False)

    @property
    def scales(self) -> list[str]:
        """Scales that at least one stage knows."""
        return list(dict.fromkeys(scale for stage in self.stages for scale in stage.overlays))

    def at(self, scale: str) -> tuple[Stage, ...]:
        """The stages of a scale.

        Raises:
            InputError: no stage knows the scale.
        """
        if scale not in self.scales:
            raise InputError(f"{self.file}: no scale {scale!r}; it has {', '.join(self.scales)}")
        return tuple(stage for stage in self.stages if scale in stage.overlays)

    def inputs(self, stage: Stage, scale: str) -> tuple[Input, ...]:
        """Return a stage's inputs at a scale; inputs of stages absent at this scale are omitted."""
        there = {earlier.name for earlier in self.at(scale)}
        return tuple(
            taken
            for taken in stage.inputs
            if taken.stage in there and (taken.scales is None or scale in taken.scales)
        )

    def reached(self, stage: Stage, changed: Collection[str]) -> bool:
        """Return whether a stage is changed, or depends on a changed one."""
        return stage.name in changed or any(
            self.reached(self.stage(taken.stage), changed) for taken in stage.inputs
        )

    def stage(self, name: str) -> Stage:
        """The stage of that name, which the recipe must have."""
        return next(stage for stage in self.stages if stage.name == name)


def read_recipe(file: Path) -> Recipe:
    """Read a recipe; file names in it are relative to its folder.

    Raises:
        InputError: a key, a file, a command, a scale or an earlier stage that is named is not there.
    """
    content = read_yaml(file)
    check_fields(content, file, "", required=("name", "stages"))
    described = member(content, "stages", dict, file)
    stages: list[Stage] = []
    for name, facts in described.items():
        stage = _stage(name, facts, file)
        _check_inputs(stage, stages, file)
        stages.append(stage)
    return Recipe(str(content["name"]), tuple(stages), file)


def _stage(name: str, facts: Any, file: Path) -> Stage:
    where = f"stages.{name}"
    check_fields(facts, file, where, required=("config", "scales"), optional=("command", "shared", "inputs"))
    scales = {
        scale: _scale(given, file, f"{where}.scales.{scale}")
        for scale, given in member(facts, "scales", dict, file, where).items()
    }
    command = facts.get("command", "fit")
    if command not in COMMANDS:
        raise InputError(f"{file}: {where}.command is {command!r}, expected {' or '.join(COMMANDS)}")
    inputs = member(facts, "inputs", dict, file, where) if "inputs" in facts else {}
    return Stage(
        name=name,
        config=_existing(file, f"{where}.config", facts["config"]),
        overlays={scale: overlays for scale, (_, overlays) in scales.items()},
        command=command,
        shared=bool(facts.get("shared", False)),
        inputs=tuple(_input(key, source, file, f"{where}.inputs.{key}") for key, source in inputs.items()),
        configs={scale: base for scale, (base, _) in scales.items() if base is not None},
    )


def _scale(given: Any, file: Path, where: str) -> tuple[Path | None, tuple[Path, ...]]:
    """Parse a list of overlays, or a mapping of these and the base file of this scale."""
    base = None
    if isinstance(given, dict):
        check_fields(given, file, where, required=("config", "overlays"))
        base, given = _existing(file, f"{where}.config", given["config"]), given["overlays"]
    return base, tuple(_existing(file, where, overlay) for overlay in list_of(given, file, where))


def _input(key: str, source: Any, file: Path, where: str) -> Input:
    """Parse `STAGE`, `STAGE/relative/path`, or a mapping of `stage` and the `scales` it is limited to."""
    scales = None
    if isinstance(source, dict):
        check_fields(source, file, where, required=("stage", "scales"))
        scales = tuple(list_of(source["scales"], file, f"{where}.scales"))
        source = source["stage"]
    if not isinstance(source, str):
        raise InputError(f"{file}: {where} is {source!r}, expected STAGE or STAGE/relative/path")
    stage, _, path = source.partition("/")
    return Input(key, stage, path, scales)


def _check_inputs(stage: Stage, earlier: list[Stage], file: Path) -> None:
    known = {before.name: before for before in earlier}
    for taken in stage.inputs:
        where = f"{file}: stages.{stage.name}.inputs.{taken.key}"
        if taken.stage not in known:
            raise InputError(f"{where}: no earlier stage {taken.stage!r}")
        for scale in taken.scales or ():
            if scale not in stage.overlays or scale not in known[taken.stage].overlays:
                raise InputError(f"{where}.scales: {stage.name} and {taken.stage} are not both at {scale!r}")
        if stage.shared and not known[taken.stage].shared:
            raise InputError(
                f"{where}: {stage.name} is shared and runs once, but {taken.stage} runs for every column; "
                f"share {taken.stage} too"
            )


def _existing(file: Path, where: str, name: str) -> Path:
    path = file.parent / name
    if not path.is_file():
        raise InputError(f"{file}: {where} names {path}, which is not there")
    return path
