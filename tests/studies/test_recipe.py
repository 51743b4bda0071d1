"""Recipes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fashionvl.errors import InputError
from fashionvl.studies import Input, Recipe, Stage, read_recipe

Change = Callable[[Path, str, str], None]


def test_a_recipe_lists_its_stages_and_their_files_at_a_scale(house: Path) -> None:
    recipe = read_recipe(house / "recipe.yaml")
    assert [stage.name for stage in recipe.at("laptop")] == ["shared", "look", "learn", "apply"]
    assert [stage.name for stage in recipe.at("paper")] == ["look", "learn", "apply"]
    assert [stage.command for stage in recipe.stages] == ["fit", "predict", "fit", "fit"]
    assert recipe.stage("learn").files("laptop") == (house / "learn.yaml", house / "small.yaml")
    assert recipe.stage("learn").files("paper") == (house / "learn.yaml",)
    assert recipe.scales == ["laptop", "paper"]


def test_a_stage_takes_what_its_scale_has(house: Path) -> None:
    recipe = read_recipe(house / "recipe.yaml")
    learn = recipe.stage("learn")
    found, seen = recipe.inputs(learn, "laptop")
    assert (found.key, found.stage, found.place("runs/x")) == ("model.pyramid", "shared", "runs/x/model")
    assert (seen.key, seen.stage, seen.place("runs/x")) == ("data.seen", "look", "runs/x/a/b")
    (whole,) = recipe.inputs(recipe.stage("apply"), "laptop")
    assert (whole.stage, whole.place("runs/x")) == ("learn", "runs/x")
    assert recipe.inputs(learn, "paper") == ()
    assert recipe.inputs(recipe.stage("look"), "paper") == ()


def test_a_scale_may_have_a_base_of_its_own(house: Path, change: Change) -> None:
    own = "learn:\n    config: learn.yaml\n    scales: {laptop: {config: shared.yaml, overlays: [small.yaml]}"
    change(house / "recipe.yaml", "learn:\n    config: learn.yaml\n    scales: {laptop: [small.yaml]", own)
    learn = read_recipe(house / "recipe.yaml").stage("learn")
    assert learn.files("laptop") == (house / "shared.yaml", house / "small.yaml")
    assert learn.files("paper") == (house / "learn.yaml",)
    assert learn.overlays["laptop"] == (house / "small.yaml",)


@given(changed=st.sets(st.sampled_from(["shared", "look", "learn", "apply"])))
def test_a_change_reaches_every_stage_after_it(changed: set[str]) -> None:
    chain = [("shared", ()), ("look", ("shared",)), ("learn", ("look",)), ("apply", ("learn", "shared"))]
    stages = [
        Stage(name, Path(), {}, inputs=tuple(Input("key", earlier) for earlier in before))
        for name, before in chain
    ]
    recipe = Recipe("chain", tuple(stages), Path())
    first = min((place for place, stage in enumerate(stages) if stage.name in changed), default=len(stages))
    assert [recipe.reached(stage, changed) for stage in stages] == [
        place >= first for place in range(len(stages))
    ]


def test_an_unknown_scale_names_those_there_are(house: Path) -> None:
    with pytest.raises(InputError, match=r"no scale 'lunar'; it has laptop, paper"):
        read_recipe(house / "recipe.yaml").at("lunar")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("config: shared.yaml", "config: absent.yaml", r"stages\.shared\.config names .*absent\.yaml"),
        ("[small.yaml], paper", "[absent.yaml], paper", r"stages\.learn\.scales\.laptop names .*absent"),
        (
            "scales: {laptop: []}",
            "scales: {laptop: small.yaml}",
            r"stages\.shared\.scales\.laptop: expected a list",
        ),
        (
            "scales: {laptop: []}",
            "scales: {laptop: {config: absent.yaml, overlays: []}}",
            r"stages\.shared\.scales\.laptop\.config names .*absent\.yaml",
        ),
        (
            "scales: {laptop: []}",
            "scales: {laptop: {config: learn.yaml}}",
            r"stages\.shared\.scales\.laptop lacks 'overlays'",
        ),
        ("shared/model", "apply/model", r"learn\.inputs\.model\.pyramid: no earlier stage 'apply'"),
        ("shared/model", "[shared]", r"inputs\.model\.pyramid is \['shared'\], expected STAGE or"),
        ("{model.found: shared}", "shared", r"stages\.look\.inputs is a str, expected a dict"),
        ("scales: [laptop]}", "scale: laptop}", r"inputs\.data\.seen lacks 'scales'"),
        ("scales: [laptop]}", "scales: [gpu]}", r"data\.seen\.scales: learn and look are not both at 'gpu'"),
        ("command: predict", "command: test", r"look\.command is 'test', expected fit or predict"),
        ("    command: predict\n", "    comand: predict\n", r"stages\.look: unknown key 'comand'"),
        (
            "{laptop: []}\n    shared: true",
            "{laptop: []}",
            r"look\.inputs\.model\.found: look is shared and runs once, but shared runs for every column",
        ),
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
