"""Record of a run whose pictures fail, whose numbers are not finite, or that saw a part of the data."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor, nn

from fashionvl.cli import main
from fashionvl.data import FashionGenDataModule
from fashionvl.data.batches.corruption import CLEAN
from fashionvl.data.synthetic import synthesize
from fashionvl.reporting.summary import summarise
from fashionvl.reporting.tables import caption_of
from fashionvl.runs.reading import read_run
from fashionvl.tasks.base import PairTask
from fashionvl.tasks.optimization import Optimization
from fashionvl.tasks.testing.base import Arrays, Result, Test

fails: list[Exception] = []
"""Exceptions raised while an example is made."""


class Brightness(Test):
    """Mean brightness of the test photographs; nothing is known of the dark ones."""

    name = "light"

    def loader(self, data: FashionGenDataModule) -> Any:
        return data.each_once(data.pairs("test", CLEAN, seed=0))

    def forget(self) -> None:
        self.seen: list[float] = []

    def step(self, network: nn.Module, batch: Any) -> None:
        self.seen += batch.pixel_values.mean(dim=(1, 2, 3)).tolist()

    def results(self, network: nn.Module, data: FashionGenDataModule) -> list[Result]:
        scores = {"mean": sum(self.seen) / len(self.seen), "dark": float("nan"), "n": len(self.seen)}
        return [Result("light", scores, {"value": self.seen})]

    def examples(self, data: FashionGenDataModule) -> dict[str, Arrays]:
        if fails:
            raise fails[0]
        return {"light": {"value": self.seen[:3]}}


class OneWeight(PairTask):
    """Learns how light the photographs are."""

    def __init__(self) -> None:
        super().__init__(Optimization(fused=False))
        self.network = nn.Linear(1, 1)
        self.test_with([Brightness()])

    def losses(self, batch: Any, step: int | None) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        light = batch.pixel_values.mean(dim=(1, 2, 3))
        return {"light": (self.network(light[:, None])[:, 0] - light).square().mean()}, {}

    def blank_pair(self) -> Any:
        raise NotImplementedError


@pytest.fixture
def fit(catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Train for an epoch, then test, with more words."""
    monkeypatch.setattr("fashionvl.training.recording.forward_flops", lambda _: None)
    fails.clear()

    def run(*more: str, command: str = "fit") -> Path:
        words = (
            "--model", f"{__name__}.OneWeight", "--data", "fashionvl.data.FashionGenDataModule",
            "--data.init_args.root", str(catalogue),
            "--data.init_args.index_dir", str(catalogue.parent / "index"),
            "--data.init_args.test_batch_size", "10",
            "--data.init_args.tokenizer", "train", "--data.init_args.vocabulary", "300",
            "--data.init_args.image_size", "32", "--data.init_args.batch_size", "20",
            "--run_dir", str(tmp_path / "run"), "--scale", "smoke", "--trainer.accelerator", "cpu",
            "--trainer.max_epochs", "1", "--then_test", "true",
            "--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false",
        )  # fmt: skip
        main([command, *words, *more])
        return tmp_path / "run"

    return run


def _record(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "metrics.json").read_text())
    return found


def test_an_example_that_fails_costs_no_numbers(
    fit: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    fails.append(ValueError("pictures of many\nsizes"))
    with caplog.at_level(logging.WARNING):
        run = fit()
    found = _record(run)
    assert found["test"]["light/mean"] > 0
    assert "limited" not in found
    assert (run / "light.npz").is_file()
    assert not (run / "failed.json").exists()
    (said,) = [record.getMessage() for record in caplog.records if "examples" in record.getMessage()]
    assert "the results are recorded" in said
    assert "(ValueError: pictures of many sizes)" in said


def test_a_number_that_is_not_finite_is_null_with_its_reason(fit: Callable[..., Path]) -> None:
    run = fit()
    assert (run / "examples" / "light.npz").is_file()
    found = _record(run)
    assert found["test"]["light/dark"] is None
    assert found["not_finite"] == {"test": {"light/dark": "nan"}}


def test_a_limited_run_is_marked_and_reports_say_so(fit: Callable[..., Path]) -> None:
    run = fit("--trainer.limit_train_batches", "2", "--trainer.limit_test_batches", "0.5")
    found = _record(run)
    assert found["limited"] == {"fit": {"limit_train_batches": 2}, "test": {"limit_test_batches": 0.5}}
    said = "fit: limit_train_batches 2; test: limit_test_batches 0.5"
    assert read_run(run).limited == said
    assert any(said in line for line in caption_of(summarise([read_run(run)])))
    fit(command="test")
    assert _record(run)["limited"] == {"fit": {"limit_train_batches": 2}}
    assert _record(run)["test"]["light/n"] > found["test"]["light/n"]


def test_the_data_are_known_by_their_content(
    fit: Callable[..., Path], catalogue: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = fit()
    before = _record(run)
    renamed = tmp_path / "renamed"
    renamed.symlink_to(catalogue)
    moved = ("--data.init_args.root", str(renamed), "--data.init_args.index_dir", str(tmp_path / "index"))
    fit(*moved)
    assert "already trained" in " ".join(capfd.readouterr().err.split())
    fit(*moved, command="test")
    assert _record(run)["test"] == before["test"]
    synthesize(tmp_path / "other", 8, seed=5, validation_share=0.5, workers=1, progress=False)
    others = ("--data.init_args.root", str(tmp_path / "other"), *moved[2:])
    for command in ("fit", "test"):
        with pytest.raises(SystemExit) as stopped:
            fit(*others, command=command)
        assert stopped.value.code == 2
        assert "holds a run on other data" in capfd.readouterr().err
    assert _record(run)["data"]["fingerprint"] == before["data"]["fingerprint"]


def test_a_trial_run_leaves_no_record(fit: Callable[..., Path]) -> None:
    run = fit("--trainer.fast_dev_run", "true")
    assert sorted(path.name for path in run.iterdir()) == ["claim.json", "config.yaml"]
    fit()
    before = _record(run)
    assert before["fit_cost"]["steps"] > 1
    fit("--trainer.fast_dev_run", "true", command="test")
    assert _record(run) == before
