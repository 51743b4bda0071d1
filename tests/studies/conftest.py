"""A recipe of five stages and a study of two columns, as files."""

from collections.abc import Callable
from pathlib import Path

import pytest

RECIPE = """\
name: tiny
stages:
  shared:
    config: shared.yaml
    scales: {laptop: []}
    shared: true
  look:
    config: shared.yaml
    command: predict
    scales: {laptop: [], paper: []}
    shared: true
    inputs: {model.found: shared}
  learn:
    config: learn.yaml
    scales: {laptop: [small.yaml], paper: []}
    inputs: {model.pyramid: shared/model, data.seen: {stage: look/a/b, scales: [laptop]}}
  apply:
    config: learn.yaml
    scales: {laptop: [small.yaml], paper: []}
    inputs: {model.weights: learn}
"""

STUDY = """\
title: Ratio
question: How much?
recipe: RECIPE
columns: {low: "10 %", Final: "50 %", high: "90 %"}
keys: [model.ratio]
stages: [learn]
axis: model.ratio
paper: mvlt_table3
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder with `recipe.yaml` and its files, and `studies/ratio`."""
    for name in ("shared", "learn", "small"):
        (tmp_path / f"{name}.yaml").write_text("{}\n")
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    study = tmp_path / "studies" / "ratio"
    study.mkdir(parents=True)
    (study / "study.yaml").write_text(STUDY.replace("RECIPE", str(tmp_path / "recipe.yaml")))
    (study / "low.yaml").write_text("model: {ratio: 0.1}\n")
    (study / "high.yaml").write_text("model: {ratio: 0.9}\n")
    return tmp_path


@pytest.fixture
def change() -> Callable[[Path, str, str], None]:
    """Replace a piece of a file that must be there."""

    def replace(file: Path, old: str, new: str) -> None:
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    return replace
