"""`fashionvl init`, and the wheel that it takes the recipes from."""

import subprocess
import sys
from pathlib import Path

import pytest

from fashionvl.cli import main
from fashionvl.commands import init
from fashionvl.files import shipped
from fashionvl.studies.study import read_study


def test_recipes_are_laid_out_once(
    tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", str(tmp_path / "work")])
    assert "experiments/, ablations/" in capsys.readouterr().out
    for file in ("experiments/mvlt/pretrain.yaml", "ablations/mask_ratio/A1.yaml"):
        assert (tmp_path / "work" / file).read_bytes() == (repository / file).read_bytes()
    (tmp_path / "work" / "experiments" / "mvlt" / "pretrain.yaml").write_text("name: mine")
    with pytest.raises(SystemExit) as stopped:
        main(["init", str(tmp_path / "work")])
    assert stopped.value.code == 2
    assert "experiments is there already" in capsys.readouterr().err
    assert (tmp_path / "work" / "experiments" / "mvlt" / "pretrain.yaml").read_text() == "name: mine"


def test_nothing_is_made_where_one_folder_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sweeps").mkdir()
    with pytest.raises(SystemExit):
        main(["init", str(tmp_path)])
    assert "sweeps is there already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["sweeps"]


def test_an_installation_without_recipes_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(init, "shipped", lambda: None)
    with pytest.raises(SystemExit):
        main(["init", str(tmp_path)])
    assert "no recipes" in capsys.readouterr().err


def test_the_built_package_holds_every_recipe_and_study(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("setuptools", minversion="77")
    words = ["egg_info", "--egg-base", str(tmp_path), "build_py", "--build-lib", str(tmp_path / "lib")]
    command = [sys.executable, "setup.py", "-q", *words]
    subprocess.run(command, cwd=repository, check=True, capture_output=True, timeout=120)
    package = tmp_path / "lib" / "fashionvl"
    for folder in shipped.FOLDERS:
        original = {file.relative_to(repository) for file in (repository / folder).rglob("*.yaml")}
        built = {file.relative_to(package / "recipes") for file in (package / "recipes" / folder).rglob("*")}
        assert original == {file for file in built if file.suffix}
    # A study of the package finds its recipe there, whatever the current folder is.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shipped, "PACKAGE", package)
    study = read_study("mask_ratio")
    assert study.recipe.stages[0].config.is_relative_to(package)
