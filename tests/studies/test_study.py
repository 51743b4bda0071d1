"""Studies."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fashionvl.errors import InputError
from fashionvl.studies import Column, find_studies, read_study, run_folder, unchanged
from fashionvl.studies.study import PARENT

Change = Callable[[Path, str, str], None]


def test_a_study_knows_its_columns(house: Path) -> None:
    study = read_study("ratio", house / "studies")
    assert [(column.id, column.label, column.home) for column in study.columns] == [
        ("low", "10 %", "ratio"), ("Final", "50 %", "tiny"), ("high", "90 %", "ratio"),
    ]  # fmt: skip
    assert study.reference.id == "Final"
    assert study.reference.overlays == {}
    assert study.column("low").overlays == {"learn": house / "studies" / "ratio" / "low.yaml"}
    assert study.printed("low") == "low"


def test_runs_of_the_unchanged_recipe_are_shared_by_all_studies(house: Path) -> None:
    study = read_study("ratio", house / "studies")
    shared, learn = (study.recipe.stage(name) for name in ("shared", "learn"))
    low, final = study.column("low"), study.column("Final")
    root = Path("runs/laptop")
    assert run_folder(root, study.recipe, learn, low, 2) == root / "ratio" / "low" / "seed2" / "learn"
    assert run_folder(root, study.recipe, learn, final, 0) == root / "tiny" / "Final" / "seed0" / "learn"
    assert run_folder(root, study.recipe, shared, low, 2) == root / "tiny" / "shared"


def test_a_shared_stage_that_a_column_changes_is_its_own(house: Path, change: Change) -> None:
    folder = house / "studies" / "ratio"
    change(folder / "study.yaml", "stages: [learn]", "stages: [shared, learn, apply]")
    (folder / "low.shared.yaml").write_text("model: {ratio: 0.2}\n")
    (folder / "high.learn.yaml").write_text("model: {ratio: 0.8}\n")
    study = read_study("ratio", folder.parent)
    low, high = study.column("low"), study.column("high")
    assert low.overlays == {
        "shared": folder / "low.shared.yaml", "learn": folder / "low.yaml", "apply": folder / "low.yaml",
    }  # fmt: skip
    assert low.files == (folder / "low.shared.yaml", folder / "low.yaml")
    root, final = Path("runs"), study.reference

    def places(column: Column) -> list[str]:
        return [str(run_folder(root, study.recipe, stage, column, 2)) for stage in study.recipe.stages]

    # `look` says nothing of its own, but takes something of `shared`.
    assert places(low) == [
        "runs/ratio/low/shared", "runs/ratio/low/look",
        "runs/ratio/low/seed2/learn", "runs/ratio/low/seed2/apply",
    ]  # fmt: skip
    assert places(final)[:2] == ["runs/tiny/shared", "runs/tiny/look"]
    assert high.overlays["shared"] == folder / "high.yaml"


def test_a_column_may_change_one_stage_alone(house: Path, change: Change) -> None:
    folder = house / "studies" / "ratio"
    change(folder / "study.yaml", "stages: [learn]", "stages: [look, learn]")
    (folder / "low.yaml").rename(folder / "low.look.yaml")
    study = read_study("ratio", folder.parent)
    low = study.column("low")
    assert low.overlays == {"look": folder / "low.look.yaml"}
    assert low.home == "ratio"
    root, shared = Path("runs"), study.recipe.stage("shared")
    assert run_folder(root, study.recipe, shared, low, 0) == root / "tiny" / "shared"


def test_an_overlay_of_a_stage_the_study_does_not_vary_is_refused(house: Path) -> None:
    (house / "studies" / "ratio" / "low.apply.yaml").write_text("model: {ratio: 0.2}\n")
    with pytest.raises(InputError, match=r"low\.apply\.yaml: overlay of 'apply'; the stages of .* learn$"):
        read_study("ratio", house / "studies")


def test_a_paper_may_call_a_column_otherwise(house: Path, change: Change) -> None:
    file = house / "studies" / "ratio" / "study.yaml"
    change(file, "paper: mvlt_table3", "paper: mvlt_table3\npaper_columns: {low: B+I}")
    study = read_study("ratio", house / "studies")
    assert (study.printed("low"), study.printed("Final")) == ("B+I", "Final")
    change(file, "{low: B+I}", "{lower: B+I}")
    with pytest.raises(InputError, match=r"paper_columns names lower, which is not among the columns"):
        read_study("ratio", house / "studies")


def test_the_unchanged_recipe_runs_where_every_study_looks_for_it(house: Path) -> None:
    study = read_study("ratio", house / "studies")
    alone = unchanged(study.recipe)
    assert [column.id for column in alone.columns] == [PARENT]
    for stage in study.recipe.stages:
        assert run_folder(Path("runs"), alone.recipe, stage, alone.reference, 1) == run_folder(
            Path("runs"), study.recipe, stage, study.reference, 1
        )


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


def test_two_columns_that_say_the_same_are_refused(house: Path, change: Change) -> None:
    folder = house / "studies" / "ratio"
    (folder / "high.yaml").write_text("model:\n  ratio: 0.1\n")
    with pytest.raises(InputError, match=r"high\.yaml: sets the same as .*low\.yaml"):
        read_study("ratio", house / "studies")
    change(folder / "study.yaml", "stages: [learn]", "stages: [look, learn]")
    (folder / "high.yaml").rename(folder / "high.look.yaml")
    assert read_study("ratio", house / "studies").column("high").files == (folder / "high.look.yaml",)
