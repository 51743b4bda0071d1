"""Every sweep file: its extreme values reach the configuration through the real parser."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from fashionvl.commands.resolve import Resolver
from fashionvl.errors import InputError

ROOT = Path(__file__).parents[1]
SWEEPS = sorted((ROOT / "sweeps").glob("*.yaml"))
NAMES = [file.stem for file in SWEEPS]


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    return Resolver()


def _content(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text())
    return found


def _extremes(parameter: dict[str, Any]) -> list[Any]:
    """First and last of the values a sweep may try."""
    if "values" in parameter:
        return [parameter["values"][0], parameter["values"][-1]]
    return [parameter["min"], parameter["max"]]


def _arguments(content: dict[str, Any], values: dict[str, Any]) -> list[str]:
    """Command line that an agent passes to `fit`: `${args}` is `--key=value` for each parameter."""
    words = content["command"]
    assert words[:3] == ["${env}", "${program}", "fit"]
    assert words[-1] == "${args}"
    assert content["program"] == "fashionvl"
    return [str(word) for word in words[3:-1]] + [f"--{key}={value}" for key, value in values.items()]


@pytest.mark.parametrize("file", SWEEPS, ids=NAMES)
@pytest.mark.parametrize("end", [0, 1], ids=["first", "last"])
def test_extreme_values_reach_their_keys(
    resolver: Resolver, file: Path, end: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    content = _content(file)
    values = {key: _extremes(parameter)[end] for key, parameter in content["parameters"].items()}
    found = resolver.resolve(_arguments(content, values))
    assert {key: found[key] for key in values} == values
    assert found["wandb"] == "online"
    assert found["scale"] == "laptop"
    assert found["run_dir"] is None  # each run of a sweep gets a folder of its own


@pytest.mark.parametrize("file", SWEEPS, ids=NAMES)
def test_a_sweep_asks_a_question_and_never_looks_at_the_test_split(file: Path) -> None:
    content = _content(file)
    first = file.read_text().splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith("?")
    assert content["metric"] == {"name": "dev/itm", "goal": "minimize"}
    assert ("--then_test", "false") in pairwise(content["command"])
    assert len(content["parameters"]) > 1


def test_an_unknown_key_would_be_refused(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    arguments = _arguments(_content(SWEEPS[0]), {"model.init_args.mir.mask.raito": 0.5})
    with pytest.raises(InputError, match="raito"):
        resolver.resolve(arguments)
