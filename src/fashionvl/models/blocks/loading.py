"""Loading of state dicts into models; keys that do not fit are reported, never dropped silently."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from fashionvl.errors import InputError

_EXAMPLES = 4


@dataclass
class LoadReport:
    """Keys that a load left unused or untouched.

    Attributes:
        missing: our keys the file has no weights for; they keep their values.
        unexpected: keys of the file, under its own names, that this model has no place for.
        resized: our position tables that were interpolated to the model's grid.
    """

    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    resized: list[str] = field(default_factory=list)


def load_state(model: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Load our own state dict, every key of it.

    Raises:
        InputError: a model of another configuration saved it; one line with the first differences.
    """
    shapes = shapes_of(model)
    found = {key: value for key, value in state.items() if key in shapes}
    check_weights(shapes, found, LoadReport(unexpected=[key for key in state if key not in shapes]), source)
    model.load_state_dict(found)


def shapes_of(model: nn.Module) -> dict[str, torch.Size]:
    """The shape of every tensor of a model's state."""
    return {key: value.shape for key, value in model.state_dict().items()}


def check_weights(
    shapes: Mapping[str, torch.Size],
    found: Mapping[str, Tensor],
    report: LoadReport,
    source: str,
    surplus: re.Pattern[str] | None = None,
) -> None:
    """Refuse weights unless they have these shapes and all else is reported missing or matches `surplus`.

    Raises:
        InputError: they do not; one line with the first differences.
    """
    may_miss = set(report.missing)
    problems = {
        "missing": [key for key in shapes if key not in found and key not in may_miss],
        "unexpected": [name for name in report.unexpected if surplus is None or not surplus.fullmatch(name)],
        "of another shape": [
            f"{key} {list(value.shape)} instead of {list(shapes[key])}"
            for key, value in found.items()
            if value.shape != shapes[key]
        ],
    }
    if any(problems.values()):
        parts = [f"{len(keys)} {kind} ({named(keys)})" for kind, keys in problems.items() if keys]
        raise InputError(f"{source}: these are weights of another configuration: {'; '.join(parts)}")


def named(keys: list[str]) -> str:
    """The first few of many names, and how many more there are."""
    more = len(keys) - _EXAMPLES
    return ", ".join(keys[:_EXAMPLES]) + (f", and {more} more" if more > 0 else "")
