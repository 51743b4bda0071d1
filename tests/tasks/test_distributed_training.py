"""Two processes over gloo, started as the guide says, learn what one process does."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MVLT = ROOT / "experiments" / "mvlt"
LOSSES = ("train/itm_epoch", "train/mlm_epoch", "train/mir_epoch", "train/loss_epoch")


def _fit(run: Path, catalogue: Path, processes: int, *more: str) -> dict[str, float]:
    """Train for one epoch of the same global batch, and test; the epoch's mean losses."""
    console = Path(sys.executable).with_name("fashionvl")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    command = [
        *(launch if processes > 1 else [sys.executable]), str(console), "fit",
        *("--config", str(MVLT / "pretrain.yaml"), "--config", str(MVLT / "smoke.yaml")),
        *("--run_dir", str(run), "--data.init_args.root", str(catalogue)),
        *("--data.init_args.index_dir", str(catalogue.parent / "index")),
        *("--data.init_args.batch_size", str(16 // processes), "--trainer.devices", str(processes)),
        *("--trainer.strategy", "ddp" if processes > 1 else "auto", "--trainer.max_epochs", "1"),
        *("--trainer.enable_progress_bar", "false"),
        # Dropout is drawn in each process apart.
        *("--model.init_args.network.init_args.drop_path", "0"),
        *("--model.init_args.network.init_args.text_dropout", "0"),
        *more,
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads((run / "metrics.json").read_text())["test"]["tir/n"] == 12
    with (run / "metrics.csv").open() as file:
        return {row["name"]: float(row["value"]) for row in csv.DictReader(file) if row["name"] in LOSSES}


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [(), ("--model.init_args.views", "alternate", "--model.init_args.on_negatives", "false",
          "--model.init_args.mir.on_clean", "false")],
    ids=["the paper's", "clean and masked steps in turn"],
)  # fmt: skip
def test_two_processes_have_the_first_epochs_losses_of_one(
    catalogue: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    one = _fit(tmp_path / "one", catalogue, 1, *more)
    two = _fit(tmp_path / "two", catalogue, 2, *more)
    assert one.keys() == set(LOSSES)
    assert two == pytest.approx(one, rel=1e-4)
