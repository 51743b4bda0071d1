"""Recipes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fashionvl.errors import InputError
from fashionvl.studies import read_recipe

Change = Callable[[Path, str, str], None]


def test_a_recipe_lists_its_stages_and_their_files_at_a_scale(house: Path) -> None:
    recipe = read_recipe(house / "recipe.yaml")
    assert [stage.name for stage in recipe.at("laptop")] == ["shared", "learn", "apply"]
    assert [stage.name for stage in recipe.at("paper")] == ["learn", "apply"]
    assert recipe.stage("learn").files("laptop") == (house / "learn.yaml", house / "small.yaml")
    assert recipe.stage("learn").files("paper") == (house / "learn.yaml",)
    assert recipe.scales == ["laptop", "paper"]


def test_an_unknown_scale_names_those_there_are(house: Path) -> None:
    with pytest.raises(InputError, match=r"no scale 'lunar'; it has laptop, paper"):
        read_recipe(house / "recipe.yaml").at("lunar")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("config: shared.yaml", "config: absent.yaml", r"stages\.shared\.config names .*absent\.yaml"),
        ("[small.yaml], paper", "[absent.yaml], paper", r"stages\.learn\.scales\.laptop names .*absent"),
        ("scales: {laptop: []}", "scales: {laptop: small.yaml}", r"stages\.shared: expected a list of names"),
        ("starts_from: shared", "starts_from: apply", r"learn\.starts_from: no earlier stage 'apply'"),
        ("    weights_key: model.pyramid\n", "", "starts_from and weights_key go together"),
        ("    shared: true", "    shraed: true", r"stages\.shared: unknown key 'shraed'"),
        ("name: tiny\n", "", "lacks 'name'"),
        ("    config: shared.yaml\n", "", r"stages\.shared lacks 'config'"),
    ],
)
def test_a_mistake_is_named(house: Path, change: Change, old: str, new: str, says: str) -> None:
    change(house / "recipe.yaml", old, new)
    with pytest.raises(InputError, match=says):
        read_recipe(house / "recipe.yaml")


@pytest.mark.parametrize(
    ("text", "says"), [("a: [1", "not valid YAML"), ("- a\n", "holds a list"), (None, "cannot be read")]
)
def test_a_file_that_is_no_mapping_is_named(tmp_path: Path, text: str | None, says: str) -> None:
    file = tmp_path / "recipe.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match=rf"recipe\.yaml: .*{says}"):
        read_recipe(file)
