"""A run folder of its own for each run of a W&B sweep."""

import os
from pathlib import Path


def sweep_folder(runs: Path) -> Path | None:
    """The default run folder under `wandb agent`, `RUNS/sweeps/SWEEP/RUN`; None outside a sweep.

    The runs of a sweep share a name and differ in their configuration, which one folder would refuse. The
    agent sets both identifiers in the environment; every process of a distributed run inherits them.
    """
    sweep, run = os.environ.get("WANDB_SWEEP_ID"), os.environ.get("WANDB_RUN_ID")
    return runs / "sweeps" / sweep / run if sweep and run else None
