"""The stand-in for `wandb` in its place, and a small finished run folder."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_wandb import FakeWandb


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> FakeWandb:
    """The stand-in, imported wherever `wandb` is."""
    fake = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    for name in ("MODE", "RUN_ID", "SWEEP_ID", "PROJECT", "ENTITY"):
        monkeypatch.delenv(f"WANDB_{name}", raising=False)
    return fake


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run folder that is trained and tested, with examples."""
    run = tmp_path / "run"
    (run / "examples").mkdir(parents=True)
    record = {
        "schema": 1, "parameters": 12, "flops": None,
        "fit": {"dev/loss": 1.0}, "fit_cost": {"seconds": 2.5},
        "test": {"tir/sum_r": 123.4, "mig/psnr_masked": 11.0},
        "candidates": {"tir": {"fingerprint": "ab12", "negatives_from": {}}},
    }  # fmt: skip
    (run / "metrics.json").write_text(json.dumps(record))
    photographs = np.full((2, 16, 16, 3), 90, np.uint8)
    np.savez(
        run / "examples" / "mig.npz",
        masked=photographs, reconstructed=photographs, original=photographs,
        hidden=np.zeros((2, 16, 16), bool),
    )  # fmt: skip
    np.savez(
        run / "examples" / "tir.npz",
        captions=np.array([["a red shirt"], ["a blue skirt"]]),
        images=np.broadcast_to(photographs[0], (2, 5, 16, 16, 3)),
        probabilities=np.tile([0.9, 0.8, 0.5, 0.2, 0.1], (2, 1)),
        matched=np.array([[True, *[False] * 4], [False] * 5]),
    )
    return run
