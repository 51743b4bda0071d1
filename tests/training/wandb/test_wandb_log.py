"""Values that are logged, and errors that a run survives."""

import builtins
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from fake_wandb import IDENTITY, FakeRun, FakeWandb
from lightning.pytorch.utilities import rank_zero_only

from fashionvl.training.wandb.log import WandbLog, is_curve

CURVES = {"train/loss_epoch": 1.5, "dev/itm": 0.6, "epoch": 2}


def _log(folder: Path, last: Any = "test") -> WandbLog:
    return WandbLog(folder, "online", IDENTITY, {"data": {"seed": 0}}, last)


def _only(wandb: FakeWandb) -> FakeRun:
    (run,) = wandb.runs
    return run


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("train/loss_step", True), ("train/itm_epoch", True), ("dev/mir", True),
        ("train/itm_step", False), ("tir/r1", False), ("lr-AdamW", False), ("epoch", False),
    ],
)  # fmt: skip
def test_curves_are_epoch_means_dev_values_and_the_loss(name: str, wanted: bool) -> None:
    assert is_curve(name) is wanted


def test_curves_are_logged_over_the_optimisation_steps(wandb: FakeWandb, folder: Path) -> None:
    log = _log(folder)
    log.log_metrics({**CURVES, "train/itm_step": 9.0}, step=40)
    log.log_metrics({"tir/r1": 50.0, "epoch": 2}, step=41)
    assert _only(wandb).logged == [{**CURVES, "trainer/global_step": 40}]


def test_nothing_to_log_opens_nothing(wandb: FakeWandb, folder: Path) -> None:
    _log(folder).log_metrics({"train/itm_step": 1.0}, step=1)
    assert wandb.runs == []


def test_the_end_brings_the_record_and_the_pictures(wandb: FakeWandb, folder: Path) -> None:
    log = _log(folder)
    log.log_metrics(CURVES, step=4)
    log.finalize("success")
    run = _only(wandb)
    assert run.summary == {
        "tir/sum_r": 123.4, "mig/psnr_masked": 11.0, "fit_cost/seconds": 2.5,
        "parameters": 12, "candidates/tir": "ab12",
    }  # fmt: skip
    assert set(run.logged[-1]) == {"examples/tir", "examples/mig"}
    assert run.exit_codes == [0]


def test_between_fit_and_its_test_the_run_stays_open(wandb: FakeWandb, folder: Path) -> None:
    record = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").write_text(json.dumps({"schema": 1, "fit": record["fit"]}))
    log = _log(folder)
    log.log_metrics(CURVES, step=4)
    log.finalize("success")
    assert _only(wandb).exit_codes == []
    (folder / "metrics.json").write_text(json.dumps(record))
    log.finalize("success")
    assert _only(wandb).exit_codes == [0]


def test_a_fit_without_a_test_ends_with_its_own_record(wandb: FakeWandb, folder: Path) -> None:
    (folder / "metrics.json").write_text(json.dumps({"schema": 1, "fit": {"dev/loss": 1.0}}))
    log = _log(folder, last="fit")
    log.log_metrics(CURVES, step=4)
    log.finalize("success")
    assert _only(wandb).exit_codes == [0]


def test_a_failed_run_is_marked_as_failed(wandb: FakeWandb, folder: Path) -> None:
    log = _log(folder)
    log.log_metrics(CURVES, step=4)
    log.finalize("failed")
    assert _only(wandb).exit_codes == [1]
    assert _only(wandb).summary == {}


def test_the_other_processes_open_nothing(
    wandb: FakeWandb, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rank_zero_only, "rank", 1, raising=False)
    log = _log(folder)
    log.log_metrics(CURVES, step=4)
    log.finalize("success")
    assert wandb.runs == []
    assert not (folder / "wandb.json").exists()


def test_the_environment_can_switch_it_off(
    wandb: FakeWandb, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    log = _log(folder)
    log.log_metrics(CURVES, step=4)
    log.finalize("success")
    assert wandb.runs == []


def test_a_spawning_strategy_can_pickle_it(folder: Path) -> None:
    copied = pickle.loads(pickle.dumps(_log(folder)))
    assert copied.name == "wandb"


def _raises(*args: Any, **kwargs: Any) -> Any:
    raise OSError("the server\nis gone")


def _survives(log: WandbLog, capfd: pytest.CaptureFixture[str], reason: str) -> None:
    """Logs on and on; there is one line about W&B, and it says why."""
    capfd.readouterr()
    for step in (4, 8):
        log.log_metrics(CURVES, step=step)
    log.finalize("success")
    lines = capfd.readouterr().err.splitlines()
    off = [line for line in lines if line.startswith("W&B: off for the rest of this run")]
    assert len(off) == 1
    assert reason in off[0]


@pytest.mark.parametrize("call", ["setup", "login", "init"])
def test_a_run_survives_that_wandb_cannot_be_opened(
    wandb: FakeWandb,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    call: str,
) -> None:
    monkeypatch.setattr(wandb, call, _raises)
    _survives(_log(folder), capfd, "OSError: the server is gone")
    assert wandb.runs == []


@pytest.mark.parametrize("call", ["log", "finish"])
def test_a_run_survives_that_wandb_dies_later(
    wandb: FakeWandb,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    call: str,
) -> None:
    monkeypatch.setattr(FakeRun, call, _raises)
    _survives(_log(folder), capfd, "OSError: the server is gone")


def test_a_run_survives_without_wandb_installed(
    wandb: FakeWandb, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "wandb":
            raise ImportError("No module named 'wandb'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    _survives(_log(folder), capfd, "No module named 'wandb'")


def test_a_run_survives_a_damaged_file_of_examples(
    wandb: FakeWandb, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / "examples" / "tir.npz").write_bytes(b"cut short")
    _survives(_log(folder), capfd, "damaged")
