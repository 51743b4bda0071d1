"""A recipe: the stages of one subject in the order they run, and the overlays each takes at each scale."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fashionvl.configuration import read_yaml
from fashionvl.errors import InputError
from fashionvl.studies.fields import check_fields, list_of, member

FILE = "recipe.yaml"


@dataclass(frozen=True)
class Stage:
    """One run of `fashionvl fit`.

    Attributes:
        name: of the stage and of its run folder.
        config: the base file.
        overlays: by scale, laid over the base in this order; at a scale not named the recipe leaves the stage
            out.
        shared: run once, from seed 0, for all columns and seeds, as ImageNet weights are.
        starts_from: an earlier stage of the recipe whose weights this one starts from.
        weights_key: configuration key that takes those weights.
        weights_path: what it is given, relative to the earlier stage's run folder; empty: the folder itself.
    """

    name: str
    config: Path
    overlays: dict[str, tuple[Path, ...]]
    shared: bool = False
    starts_from: str | None = None
    weights_key: str | None = None
    weights_path: str = ""

    def files(self, scale: str) -> tuple[Path, ...]:
        """Base and overlays at a scale."""
        return (self.config, *self.overlays[scale])


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

    def before(self, stage: Stage, scale: str) -> Stage | None:
        """The stage whose weights this one starts from, unless the scale leaves that stage out."""
        return next((earlier for earlier in self.at(scale) if earlier.name == stage.starts_from), None)

    def stage(self, name: str) -> Stage:
        """The stage of that name, which the recipe must have."""
        return next(stage for stage in self.stages if stage.name == name)


def read_recipe(file: Path) -> Recipe:
    """Read a recipe; file names in it are relative to its folder.

    Raises:
        InputError: a key, a file or an earlier stage that is named is not there.
    """
    content = read_yaml(file)
    check_fields(content, file, "", required=("name", "stages"))
    described = member(content, "stages", dict, file)
    stages: list[Stage] = []
    for name, facts in described.items():
        stages.append(_stage(name, facts, file))
        _check_start(stages, file)
    return Recipe(str(content["name"]), tuple(stages), file)


def _stage(name: str, facts: Any, file: Path) -> Stage:
    where = f"stages.{name}"
    check_fields(
        facts, file, where,
        required=("config", "scales"), optional=("shared", "starts_from", "weights_key", "weights_path"),
    )  # fmt: skip
    scales = member(facts, "scales", dict, file, where)
    overlays = {
        scale: tuple(
            _existing(file, f"{where}.scales.{scale}", overlay) for overlay in list_of(overlays, file, where)
        )
        for scale, overlays in scales.items()
    }
    return Stage(
        name=name,
        config=_existing(file, f"{where}.config", facts["config"]),
        overlays=overlays,
        shared=bool(facts.get("shared", False)),
        starts_from=facts.get("starts_from"),
        weights_key=facts.get("weights_key"),
        weights_path=facts.get("weights_path", ""),
    )


def _check_start(stages: list[Stage], file: Path) -> None:
    stage, earlier = stages[-1], [stage.name for stage in stages[:-1]]
    where = f"{file}: stages.{stage.name}"
    if (stage.starts_from is None) != (stage.weights_key is None):
        raise InputError(f"{where}: starts_from and weights_key go together")
    if stage.starts_from is not None and stage.starts_from not in earlier:
        raise InputError(f"{where}.starts_from: no earlier stage {stage.starts_from!r}")


def _existing(file: Path, where: str, name: str) -> Path:
    path = file.parent / name
    if not path.is_file():
        raise InputError(f"{file}: {where} names {path}, which is not there")
    return path
