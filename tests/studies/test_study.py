"""Studies."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fashionvl.errors import InputError
from fashionvl.studies import find_studies, read_study, run_folder

Change = Callable[[Path, str, str], None]


def test_a_study_knows_its_columns(house: Path) -> None:
    study = read_study("ratio", house / "studies")
    assert [(column.id, column.label, column.home) for column in study.columns] == [
        ("low", "10 %", "ratio"), ("Final", "50 %", "tiny"), ("high", "90 %", "ratio"),
    ]  # fmt: skip
    assert study.reference.id == "Final"
    assert study.reference.overlay is None
    assert study.column("low").overlay == house / "studies" / "ratio" / "low.yaml"


def test_runs_of_the_unchanged_recipe_are_shared_by_all_studies(house: Path) -> None:
    study = read_study("ratio", house / "studies")
    shared, learn, _ = study.recipe.stages
    low, final = study.column("low"), study.column("Final")
    root = Path("runs/laptop")
    assert run_folder(root, study.recipe, learn, low, 2) == root / "ratio" / "low" / "seed2" / "learn"
    assert run_folder(root, study.recipe, learn, final, 0) == root / "tiny" / "Final" / "seed0" / "learn"
    assert run_folder(root, study.recipe, shared, low, 2) == root / "tiny" / "shared"


def test_a_dash_reads_as_an_underscore(house: Path) -> None:
    (house / "studies" / "ratio").rename(house / "studies" / "mask_ratio")
    assert read_study("mask-ratio", house / "studies").name == "mask_ratio"
    assert find_studies(house / "studies") == ["mask_ratio"]


def test_an_unknown_study_lists_those_there_are(house: Path) -> None:
    with pytest.raises(InputError, match=r"no study 'ratoi' in .*studies/; there are ratio"):
        read_study("ratoi", house / "studies")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("high:", "higher:", r"columns names higher, but .*higher\.yaml is not there"),
        ("recipe.yaml", "receipt.yaml", r"recipe names .*receipt\.yaml, which is not there"),
        ("stages: [learn]", "stages: [learned]", r"stages names 'learned'"),
        ("paper: mvlt_table3", "reference: middle", r"reference 'middle' is not among the columns"),
        ("title: Ratio", "titel: Ratio", "lacks 'title'"),
        ("keys: [model.ratio]", "keys: model.ratio", "keys: expected a list of names"),
        ("columns: {low", "columns: {low: 1}\nfoo: {low", "unknown key 'foo'"),
    ],
)
def test_a_mistake_in_a_study_is_named(house: Path, change: Change, old: str, new: str, says: str) -> None:
    change(house / "studies" / "ratio" / "study.yaml", old, new)
    with pytest.raises(InputError, match=rf"study\.yaml.*{says}"):
        read_study("ratio", house / "studies")


def test_an_overlay_may_set_only_what_its_study_varies(house: Path) -> None:
    overlay = house / "studies" / "ratio" / "low.yaml"
    overlay.write_text("model: {ratio: 0.1, depth: 3}\n")
    with pytest.raises(InputError, match=r"low\.yaml: sets model\.depth; this study may set model\.ratio"):
        read_study("ratio", house / "studies")
    overlay.write_text("")
    with pytest.raises(InputError, match=r"low\.yaml: sets nothing"):
        read_study("ratio", house / "studies")


def test_two_overlays_that_say_the_same_are_refused(house: Path) -> None:
    (house / "studies" / "ratio" / "high.yaml").write_text("model:\n  ratio: 0.1\n")
    with pytest.raises(InputError, match=r"high\.yaml: sets the same as .*low\.yaml"):
        read_study("ratio", house / "studies")
