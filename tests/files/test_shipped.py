"""Files that come with the package: found without a checkout, and never before those on disk."""

from pathlib import Path

import pytest

from fashionvl.files import shipped as module
from fashionvl.files.shipped import found, shipped


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with recipes of its own; the current folder is another, empty one."""
    recipes = tmp_path / "site" / "fashionvl" / "recipes"
    for file in ("experiments/mvlt/pretrain.yaml", "ablations/mask_ratio/study.yaml"):
        (recipes / file).parent.mkdir(parents=True)
        (recipes / file).touch()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(module, "PACKAGE", recipes.parent)
    return recipes


def test_an_editable_install_finds_the_checkout(repository: Path) -> None:
    assert shipped() == repository


@pytest.mark.parametrize("asked", ["mvlt/pretrain.yaml", "experiments/mvlt/pretrain.yaml"])
def test_a_recipe_is_found_in_the_package(package: Path, asked: str) -> None:
    assert found(Path(asked)) == package / "experiments" / "mvlt" / "pretrain.yaml"
    assert found(Path("ablations")) == package / "ablations"


def test_what_lies_on_disk_comes_first(package: Path) -> None:
    Path("mvlt").mkdir()
    Path("mvlt/pretrain.yaml").touch()
    assert found(Path("mvlt/pretrain.yaml")) == Path("mvlt/pretrain.yaml")


@pytest.mark.parametrize("asked", ["nowhere.yaml", "../recipes/experiments/mvlt/pretrain.yaml", "/none", "."])
def test_what_is_not_shipped_stays_as_it_is(package: Path, asked: str) -> None:
    assert found(Path(asked)) == Path(asked)


def test_without_anything_shipped_nothing_is_found(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGE", package / "empty" / "src" / "fashionvl")
    assert shipped() is None
    assert found(Path("mvlt/pretrain.yaml")) == Path("mvlt/pretrain.yaml")
