"""`fashionvl predict`: a pass over every photograph that is recorded once and continued where it stopped."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fashionvl.cli import main
from fashionvl.data import FashionGenDataModule
from fashionvl.errors import InputError
from fashionvl.runs.lock import LOCK, RunLock
from fashionvl.tasks.row_writing import RowWriting

PIECE = 50


class Pieces:
    """One file a piece."""

    def __init__(self, folder: Path, rows: int) -> None:
        self._folder, self._rows = folder, rows

    def file(self, first: int) -> Path:
        return self._folder / f"{first}.npy"

    def pending(self) -> list[np.ndarray]:
        starts = range(0, self._rows, PIECE)
        return [
            np.arange(start, min(start + PIECE, self._rows))
            for start in starts
            if not self.file(start).exists()
        ]

    def write(self, rows: np.ndarray, light: np.ndarray) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        np.save(self.file(rows[0]), light)


class Light(RowWriting):
    """Brightness of each photograph; the power may fail while a piece is worked on."""

    fails_at: int | None = None

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale, self.done = scale, 0

    def open_writers(self, folder: Path, data: FashionGenDataModule) -> dict[str, Any]:
        self.folder = folder / "light"
        splits = ("train", "validation")
        return {split: Pieces(self.folder / split, len(data.index_of(split).product_id)) for split in splits}

    def find(self, split: str, images: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        if self.done == self.fails_at:
            raise KeyboardInterrupt
        self.done += 1
        return {"light": self.scale * images.mean(axis=(1, 2, 3), dtype=np.float64)}

    def scores(self) -> dict[str, float]:
        found = np.concatenate([np.load(file) for file in sorted(self.folder.rglob("*.npy"))])
        return {"light/mean": float(found.mean()), "light/batches": self.done}

    def examples(self) -> dict[str, dict[str, Any]]:
        return {"light": {"fingerprint": np.array(self.data.fingerprint)}}


@pytest.fixture
def predict(catalogue: Path, tmp_path: Path) -> Callable[..., Path]:
    """Run the command in a folder, with more words."""

    def run(*more: str, folder: str = "run") -> Path:
        words = (
            "--model", f"{__name__}.Light", "--data", "fashionvl.data.FashionGenDataModule",
            "--data.init_args.root", str(catalogue),
            "--data.init_args.index_dir", str(catalogue.parent / "index"),
            "--data.init_args.tokenizer", "train", "--data.init_args.vocabulary", "300",
            "--data.init_args.test_batch_size", "20",
            "--run_dir", str(tmp_path / folder), "--scale", "smoke", "--trainer.accelerator", "cpu",
            "--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false",
        )  # fmt: skip
        main(["predict", *words, *more])
        return tmp_path / folder

    return run


def _record(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "metrics.json").read_text())
    return found


def test_a_pass_is_recorded_and_not_repeated(
    predict: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    run = predict("--name", "light")
    found = _record(run)
    assert 0 < found["predict"]["light/mean"] < 255
    assert found["predict"]["light/batches"] > 4
    assert found["predict_cost"]["wall_seconds"] >= found["predict_cost"]["seconds"] > 0
    assert found["predict_cost"]["peak_rss_mb"] > 0
    assert (found["name"], found["scale"], found["flops"], found["parameters"]) == ("light", "smoke", None, 0)
    with np.load(run / "examples" / "light.npz") as kept:
        assert str(kept["fingerprint"]) == found["data"]["fingerprint"]
    assert (run / "config.yaml").is_file()
    assert not (run / "failed.json").exists()
    before = (run / "metrics.json").read_bytes()
    predict("--name", "light")
    assert (run / "metrics.json").read_bytes() == before
    assert "already done" in capfd.readouterr().err


def test_an_example_that_fails_costs_no_numbers(
    predict: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def examples(*_: Any) -> Any:
        raise OSError("no font")

    monkeypatch.setattr(Light, "examples", examples)
    run = predict()
    assert _record(run)["predict"]["light/mean"] > 0
    assert any("(OSError: no font)" in record.getMessage() for record in caplog.records)
    assert not (run / "failed.json").exists()


def test_an_interrupted_pass_goes_on_with_what_is_missing(
    predict: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = predict(folder="whole")
    monkeypatch.setattr(Light, "fails_at", 4)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        predict()
    run = tmp_path / "run"
    written = {file: file.stat().st_mtime_ns for file in run.glob("light/*/*.npy")}
    assert 0 < len(written) < len(list(whole.glob("light/*/*.npy")))
    assert "predict" not in _record(run)
    monkeypatch.setattr(Light, "fails_at", None)
    predict()
    assert {file: file.stat().st_mtime_ns for file in written} == written
    found, expected = _record(run)["predict"], _record(whole)["predict"]
    assert found["light/mean"] == expected["light/mean"]
    assert found["light/batches"] < expected["light/batches"]


def test_an_interrupted_pass_keeps_its_folder_from_another_configuration(
    predict: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Light, "fails_at", 4)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        predict()
    monkeypatch.setattr(Light, "fails_at", None)
    with pytest.raises(SystemExit) as stopped:
        predict("--model.init_args.scale", "0.5")
    assert stopped.value.code == 2
    predict("--model.init_args.scale", "0.5", "--when_changed", "set_aside")
    assert len([folder for folder in tmp_path.iterdir() if folder.name.startswith("run.")]) == 1
    assert _record(tmp_path / "run")["predict"]["light/mean"] < 128


def test_a_pass_that_was_stopped_before_its_record_is_recorded(predict: Callable[..., Path]) -> None:
    run = predict()
    mean = _record(run)["predict"]["light/mean"]
    (run / "metrics.json").unlink()
    predict()
    assert _record(run)["predict"] == {"light/mean": mean, "light/batches": 0.0}


def test_a_limited_pass_is_left_to_be_continued(predict: Callable[..., Path]) -> None:
    limited = ("--trainer.limit_predict_batches", "4")
    run = predict(*limited)
    first = len(list(run.glob("light/*/*.npy")))
    assert "predict" not in _record(run)
    predict(*limited)
    assert 0 < first < len(list(run.glob("light/*/*.npy")))
    assert "predict" not in _record(run)


def test_a_run_folder_in_use_is_refused_and_given_free_at_the_end(
    predict: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = RunLock(tmp_path / "run")
    other.acquire()
    with pytest.raises(SystemExit) as stopped:
        predict()
    assert stopped.value.code == 2
    assert f"in use by process {os.getpid()} on" in capfd.readouterr().err
    assert [path.name for path in (tmp_path / "run").iterdir()] == [LOCK]
    other.release()
    assert not (predict() / LOCK).exists()


def test_a_failed_pass_leaves_its_reason(
    predict: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(*_: Any) -> Any:
        raise InputError("row 7: no light at all")

    monkeypatch.setattr(Light, "find", find)
    with pytest.raises(SystemExit) as stopped:
        predict()
    assert stopped.value.code == 2
    left = json.loads((tmp_path / "run" / "failed.json").read_text())
    assert (left["stage"], left["error"]) == ("predict", "InputError: row 7: no light at all")
