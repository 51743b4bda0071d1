"""The promise of CONTRIBUTING: a model moves in by class path alone, is trained, tested and reported."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from fashionvl.cli import main

DATA = {
    "class_path": "fashionvl.data.FashionGenDataModule",
    "init_args": {
        "retrieval": {"queries": 12, "negatives": 10},
        "image_size": 32, "max_tokens": 24, "tokenizer": "train", "vocabulary": 300,
        "batch_size": 16, "test_batch_size": 32, "dev_share": 0.1,
    },
}  # fmt: skip
INFO_NCE = {"class_path": "fashionvl.objectives.contrastive.InfoNCE"}
GALLERY = ("gallery_tir", "gallery_itr")


def _train(catalogue: Path, folder: Path, task: str, network: str, **arguments: Any) -> Path:
    """Fit and test through the real command line; the run folder."""
    optimization = {"lr": 0.01}
    recipe = {
        "name": network,
        "scale": "smoke",
        "then_test": True,
        "trainer": {"accelerator": "cpu", "devices": 1, "max_epochs": 2, "enable_progress_bar": False},
        "model": {
            "class_path": f"fashionvl.tasks.{task}",
            "init_args": {
                "network": {"class_path": f"tests.toys.{network}"}, "optimization": optimization, **arguments
            },
        },
        "data": {**DATA, "init_args": {**DATA["init_args"], "root": str(catalogue)}},  # type: ignore[dict-item]
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    index = ["--data.init_args.index_dir", str(folder.parent / "index")]
    main(["fit", "--config", str(folder / "recipe.yaml"), "--run_dir", str(folder / "pretrain"), *index])
    return folder / "pretrain"


@pytest.fixture(scope="module")
def dual(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dual") / "dual"
    return _train(catalogue, folder, "ContrastiveTraining", "ToyDual", loss=INFO_NCE)


@pytest.fixture(scope="module")
def cross(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _train(catalogue, tmp_path_factory.mktemp("cross") / "cross", "MaskedPretraining", "ToyCross")


def _record(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "metrics.json").read_text())
    return found


def test_a_dual_encoder_moves_in(catalogue: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = _train(catalogue, tmp_path / "dual", "ContrastiveTraining", "ToyDual", loss=INFO_NCE)
    record = _record(run)
    names = {"tir", "itr", *GALLERY}
    assert {key.split("/")[0] for key in record["test"]} == names
    assert record["test"]["tir/n"] == 12
    assert record["flops"] > 0
    assert record["gallery"]["gallery_tir"]["images"] == record["test"]["gallery_itr/n"]
    assert record["gallery"]["gallery_itr"]["texts"] == record["test"]["gallery_tir/n"]
    for name in names:
        with np.load(run / f"{name}.npz") as arrays:
            assert len(arrays["rank"]) == record["test"][f"{name}/n"]
    assert record["fit"]["train/contrastive_epoch"] < np.log(16)
    main(["summary", str(run.parent)])
    shown = capfd.readouterr().out
    assert "ToyDual at smoke scale" in shown
    assert "Gallery TIR" in shown


def test_a_cross_encoder_moves_in(catalogue: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = _train(catalogue, tmp_path / "cross", "MaskedPretraining", "ToyCross")
    record = _record(run)
    assert {key.split("/")[0] for key in record["test"]} == {"tir", "itr"}
    assert set(record["candidates"]) == {"tir", "itr"}
    assert {"train/itm_epoch", "train/mlm_epoch", "dev/itm_accuracy"} <= record["fit"].keys()
    main(["summary", str(run.parent)])
    assert "TIR" in capfd.readouterr().out


def test_both_stand_in_one_comparison(
    dual: Path, cross: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    runs = [str(run.parent) for run in (dual, cross)]
    main(["compare", *runs, "--names", "Dual", "Cross", "--out", str(tmp_path / "compared")])
    shown = capfd.readouterr().out
    assert "Dual" in shown
    assert "Cross" in shown
    assert (tmp_path / "compared" / "comparison.md").exists()


def test_a_model_without_a_promise_is_told_which(
    catalogue: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        _train(catalogue, tmp_path / "dual", "MaskedPretraining", "ToyDual")
    complaint = capfd.readouterr().err
    assert "ToyDual cannot serve MaskedPretraining" in complaint
    assert "encode_pairs, itm_logits, mlm_logits of MaskedEncoder" in complaint


def test_a_gallery_for_a_cross_encoder_says_what_it_would_take(
    catalogue: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tests = [{"class_path": "fashionvl.tasks.testing.GalleryTest"}]
    with pytest.raises(SystemExit):
        _train(catalogue, tmp_path / "cross", "MaskedPretraining", "ToyCross", tests=tests)
    complaint = capfd.readouterr().err
    assert "forward passes" in complaint
    assert "every_pair" in complaint
    assert not (tmp_path / "cross" / "pretrain" / "checkpoints" / "last.ckpt").exists()


def test_a_gallery_of_every_pair_has_the_ranks_of_the_lists(
    catalogue: Path, cross: Path, tmp_path: Path
) -> None:
    tests = [{"class_path": "fashionvl.tasks.testing.GalleryTest", "init_args": {"every_pair": True}}]
    every = _train(catalogue, tmp_path / "every", "MaskedPretraining", "ToyCross", tests=tests)
    for name in ("tir", "itr"):
        with np.load(cross / f"{name}.npz") as lists, np.load(every / f"{name}.npz") as found:
            np.testing.assert_allclose(found["rank"], lists["rank"], atol=1)
    assert {key.split("/")[0] for key in _record(every)["test"]} == {"tir", "itr", *GALLERY}
