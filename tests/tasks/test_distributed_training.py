"""Two processes over gloo, started as the guide says, learn what one process does."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from fashionvl.cli import main

ROOT = Path(__file__).parents[2]
MVLT = ROOT / "experiments" / "mvlt"
LOSSES = ("train/itm_epoch", "train/mlm_epoch", "train/mir_epoch", "train/loss_epoch")
RECIPE = ("--config", str(MVLT / "pretrain.yaml"), "--config", str(MVLT / "smoke.yaml"))


def _launch(run: Path, catalogue: Path, processes: int, *more: str) -> dict[str, float]:
    """Train for one epoch of the same global batch, and test; the epoch's means by name."""
    arguments = [
        *("fit", *more, "--run_dir", str(run), "--data.init_args.root", str(catalogue)),
        *("--data.init_args.index_dir", str(catalogue.parent / "index")),
        *("--data.init_args.batch_size", str(16 // processes), "--trainer.devices", str(processes)),
        *("--trainer.strategy", "ddp" if processes > 1 else "auto", "--trainer.max_epochs", "1"),
        *("--trainer.enable_progress_bar", "false"),
    ]  # fmt: skip
    if processes == 1:
        main(arguments)
    else:
        _launch_processes(processes, arguments)
    assert json.loads((run / "metrics.json").read_text())["test"]["tir/n"] == 12
    with (run / "metrics.csv").open() as file:
        return {row["name"]: float(row["value"]) for row in csv.DictReader(file)}


def _launch_processes(processes: int, arguments: list[str]) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    command = [*launch, str(Path(sys.executable).with_name("fashionvl")), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def _fit(run: Path, catalogue: Path, processes: int, *more: str) -> dict[str, float]:
    """MVLT's mean losses; dropout, which each process draws apart, is off."""
    off = ("drop_path", "text_dropout")
    dropout = [word for name in off for word in (f"--model.init_args.network.init_args.{name}", "0")]
    found = _launch(run, catalogue, processes, *RECIPE, *dropout, *more)
    return {name: found[name] for name in LOSSES}


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [(), ("--model.init_args.views", "alternate", "--model.init_args.on_negatives", "false",
          "--model.init_args.mir.on_clean", "false", "--model.init_args.itm.text", "whole")],
    ids=["the paper's", "clean and masked steps in turn, whole captions matched"],
)  # fmt: skip
def test_two_processes_have_the_first_epochs_losses_of_one(
    catalogue: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    one = _fit(tmp_path / "one", catalogue, 1, *more)
    two = _fit(tmp_path / "two", catalogue, 2, *more)
    assert two == pytest.approx(one, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["Hinge", "InfoNCE"])
def test_gathered_embeddings_teach_what_one_process_learns(
    catalogue: Path, tmp_path: Path, loss: str
) -> None:
    """Loss, weights after the epoch, and ranks over lists and gallery agree."""
    recipe = {
        "trainer": {"accelerator": "cpu"},
        "model": {
            "class_path": "fashionvl.tasks.ContrastiveTraining",
            "init_args": {
                "network": {"class_path": "tests.toys.ToyDual"},
                "loss": {"class_path": f"fashionvl.objectives.contrastive.{loss}"},
                "optimization": {"lr": 0.001, "eps": 1.0e-4},
            },
        },
        "data": {
            "class_path": "fashionvl.data.FashionGenDataModule",
            "init_args": {
                "retrieval": {"queries": 12, "negatives": 10}, "image_size": 32, "max_tokens": 24,
                "tokenizer": "train", "vocabulary": 300, "dev_share": 0.1,
            },
        },
        "then_test": True,
    }  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    runs = {processes: tmp_path / f"run{processes}" for processes in (1, 2)}
    logged = {
        processes: _launch(run, catalogue, processes, "--config", str(tmp_path / "recipe.yaml"))
        for processes, run in runs.items()
    }
    assert logged[2]["train/contrastive_epoch"] == pytest.approx(
        logged[1]["train/contrastive_epoch"], rel=1e-4
    )
    one, two = (torch.load(run / "checkpoints" / "last.ckpt")["state_dict"] for run in runs.values())
    assert one.keys() == two.keys()
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, rtol=1e-3, atol=1e-5)
    for name in ("tir", "itr", "gallery_tir", "gallery_itr"):
        ranks = []
        for run in runs.values():
            with np.load(run / f"{name}.npz") as arrays:
                ranks.append(arrays["rank"])
        np.testing.assert_allclose(ranks[1], ranks[0], atol=1)
