"""A recipe of three stages and a study of two columns, as files."""

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
  learn:
    config: learn.yaml
    scales: {laptop: [small.yaml], paper: []}
    starts_from: shared
    weights_key: model.pyramid
    weights_path: model
  apply:
    config: learn.yaml
    scales: {laptop: [small.yaml], paper: []}
    starts_from: learn
    weights_key: model.weights
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
