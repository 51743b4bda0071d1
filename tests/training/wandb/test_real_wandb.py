"""The real `wandb`, offline, through the real command line."""

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fake_wandb import IDENTITY
from stored_run import stored

from fashionvl.training.wandb.connection import open_run


@pytest.mark.slow
def test_a_fit_online_without_a_key_asks_nobody_and_is_logged_offline(
    repository: Path, catalogue: Path, tmp_path: Path
) -> None:
    mvlt, run = repository / "experiments" / "mvlt", tmp_path / "run"
    command = [
        sys.executable, "-c", "from fashionvl.cli import main; main()", "fit",
        *("--config", str(mvlt / "pretrain.yaml"), "--config", str(mvlt / "smoke.yaml")),
        *("--run_dir", str(run), "--data.init_args.root", str(catalogue)),
        *("--data.init_args.index_dir", str(catalogue.parent / "index")),
        *("--study", "mask_ratio", "--column", "A1", "--stage", "pretrain", "--wandb", "online"),
        *("--trainer.enable_progress_bar", "false", "--trainer.max_epochs", "1"),
    ]  # fmt: skip
    hidden = ("WANDB_MODE", "WANDB_API_KEY", "WANDB_PROJECT", "WANDB_RUN_ID", "WANDB_SWEEP_ID")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    environment |= {"HOME": str(tmp_path), "NETRC": str(tmp_path / "none")}
    # A terminal at which a question would wait for ever.
    ours, theirs = pty.openpty()
    done = subprocess.run(
        command, check=False, timeout=240, text=True, env=environment,
        stdin=theirs, stdout=theirs, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stderr
    assert "W&B: no API key" in done.stderr
    found = stored(run)
    assert found["config"]["column"] == "A1"
    assert found["config"]["model"]["init_args"]["mir"]["mask"]["ratio"] == 0.5
    assert {"commit", "seed"} <= set(found["config"])
    assert {"tir/sum_r", "itr/r1", "mig/psnr_masked", "fit_cost/seconds"} <= set(found["summary"])
    logged = {name for line in found["history"] for name in line}
    assert {
        "train/loss_step",
        "train/mir_epoch",
        "dev/itm",
        "examples/tir/path",
        "examples/mig/path",
    } <= logged
    assert "train/itm_step" not in logged
    assert found["exit_code"] == 0
    assert len(list(run.glob("wandb/offline-run-*/files/media/images/examples/*.png"))) == 3


def _flushed(folder: Path) -> dict[str, Any]:
    """W&B's service writes its last records a moment after `finish` has returned."""
    for _ in range(400):
        found = stored(folder)
        if "exit_code" in found:
            return found
        time.sleep(0.05)
    raise AssertionError("the run's end was never written")


def test_a_continued_run_writes_under_the_same_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODE", "RUN_ID", "SWEEP_ID"):
        monkeypatch.delenv(f"WANDB_{name}", raising=False)
    sessions = []
    for loss in (2.0, 1.0):
        run = open_run(tmp_path, "offline", IDENTITY, {"scale": "smoke"})
        run.log({"dev/loss": loss, "trainer/global_step": 1})
        run.finish(exit_code=0)
        sessions.append(_flushed(tmp_path))
        # W&B names its folders by the second, in which both of these may fall.
        (tmp_path / "wandb").rename(tmp_path / f"wandb {loss}")
    runs = [record for session in sessions for record in session["runs"]]
    assert {record.run_id for record in runs} == {json.loads((tmp_path / "wandb.json").read_text())["id"]}
    assert [record.run_group for record in runs] == ["mask_ratio"] * 2
    assert [line["dev/loss"] for session in sessions for line in session["history"]] == [2.0, 1.0]
