"""`fashionvl plan` on the repository's own studies, and on wrong ones."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from fashionvl.commands.plan import check_columns, main
from fashionvl.commands.resolve import Resolver
from fashionvl.errors import InputError
from fashionvl.reporting.papers import paper_table
from fashionvl.studies import find_studies, read_study

ROOT = Path(__file__).parents[2]
STUDIES = find_studies(ROOT / "ablations")
Write = Callable[..., Path]


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    return Resolver()


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A study of the real recipe with the given overlays, in a folder of its own."""

    def draw(keys: list[str], **overlays: object) -> Path:
        folder = tmp_path / "own" / "mine"
        folder.mkdir(parents=True)
        content = {
            "title": "Mine", "question": "Why?", "recipe": "experiments/mvlt/recipe.yaml",
            "columns": {**{name: name for name in overlays}, "Final": "parent"}, "keys": keys,
        }  # fmt: skip
        (folder / "study.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        for name, overlay in overlays.items():
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(overlay))
        return folder.parent

    return draw


def nested(key: str, value: object) -> object:
    for name in reversed(key.split(".")):
        value = {name: value}
    return value


def test_the_papers_columns_are_all_there() -> None:
    columns = {column.id for name in STUDIES for column in read_study(name).columns}
    mvlt = {"A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4", "C1", "C2", "C3", "D1", "D2", "D3", "E1"}
    kaleido = {"fixed", "kaleido", "random", "B", "B_I", "B_I_II", "B_I_III", "B_I_IV", "B_V"}
    assert mvlt | kaleido <= columns


@pytest.mark.parametrize("name", STUDIES)
def test_a_paper_has_every_column_that_its_study_says_it_prints(name: str) -> None:
    study = read_study(name)
    if study.paper is not None:
        assert {study.printed(column.id) for column in study.columns} <= paper_table(study.paper).keys()


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("scale", ["smoke", "laptop", "gpu", "paper"])
def test_every_column_of_every_study_is_a_configuration_of_its_own(
    resolver: Resolver, name: str, scale: str
) -> None:
    check_columns(read_study(name), scale, resolver)


@pytest.mark.parametrize("name", STUDIES)
def test_an_overlay_is_short_and_begins_with_its_question(name: str) -> None:
    for column in read_study(name).columns:
        for file in column.files:
            lines = file.read_text().splitlines()
            assert len(lines) <= 10
            assert lines[0].startswith("# Overlay: ")
            assert "?" in lines[0]


def test_the_plan_is_written_whole(tmp_path: Path) -> None:
    out = tmp_path / "plans" / "x.mk"
    main(["mask-style", "--scale", "smoke", "--seeds", "0", "4", "--runs", str(tmp_path), "--out", str(out)])
    text = out.read_text()
    assert [file.name for file in out.parent.iterdir()] == ["x.mk"]
    assert "stages-mask-style:" in text
    assert text.count("$(FASHIONVL) fit") == 2 + 2 * 4 * 2
    assert f"{tmp_path}/mask_style/C2/seed4/recognition/.done:" in text


def test_recipes_are_planned_without_a_study(tmp_path: Path) -> None:
    out = tmp_path / "x.mk"
    recipes = [f"experiments/{name}/recipe.yaml" for name in ("mvlt", "kaleido_bert")]
    shared = ("--scale", "smoke", "--seeds", "0", "--runs", str(tmp_path), "--out", str(out))
    main(["--recipes", *recipes, *shared])
    text = out.read_text()
    assert text.count("$(FASHIONVL) fit") == 4 + 5
    assert text.count("$(FASHIONVL) predict") == 2
    for goal in ("stages-mvlt:", "stages-kaleido-bert:"):
        assert f"\n{goal}" in text
    runs = f"{tmp_path}/kaleido_bert"
    (rule,) = (part for part in text.split("\n\n") if part.startswith(f"{runs}/Final/seed0/pretrain/.done:"))
    assert f" {runs}/features/.done {runs}/align/.done\n" in rule
    assert f"--data.init_args.kaleido.features {runs}/features/features " in rule
    main(["agm", *shared])
    assert text.split("\n\n")[-1].strip() in out.read_text()


def test_a_plan_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name at least one STUDY, or a recipe with --recipes"):
        main(["--scale", "smoke", "--out", str(tmp_path / "x.mk")])


def test_a_key_the_parent_does_not_have_stops_the_plan(write: Write, tmp_path: Path) -> None:
    key = "model.init_args.mir.mask.no_such"
    folder = write([key], one=nested(key, 1))
    with pytest.raises(InputError, match=r"own/mine/one\.yaml: .*no_such"):
        main(["mine", "--folder", str(folder), "--scale", "smoke", "--out", str(tmp_path / "x.mk")])
    assert not (tmp_path / "x.mk").exists()


def test_two_columns_that_resolve_alike_are_refused(write: Write, resolver: Resolver) -> None:
    key = "model.init_args.mir.mask.ratio"
    folder = write([key], half=nested(key, 0.5))
    with pytest.raises(
        InputError, match=r"columns half and Final resolve to the same configuration at laptop"
    ):
        check_columns(read_study("mine", folder), "laptop", resolver)


def test_an_unknown_study_and_absent_data_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"no study 'mask_rotio' in ablations/; there are agm, akpm, decoder"
    ):
        main(["mask-rotio"])
    with pytest.raises(InputError, match="--data: nowhere is not a folder"):
        main(["grid", "--data", "nowhere", "--out", str(tmp_path / "x.mk")])
