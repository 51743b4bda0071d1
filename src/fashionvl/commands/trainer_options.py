"""Trainer and seed options that the suite cannot honour, refused before anything is built."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fashionvl.errors import InputError
from fashionvl.models.blocks.weight_files import weight_format

PRECISIONS = ("32-true", "32", "16-mixed", "16", "bf16-mixed", "bf16")
"""Weights stay float32; the numbers are Lightning's older names of the same."""

LARGEST_SEED = 2**32 - 1

AT_LEAST = {
    "num_nodes": 1,
    "max_epochs": -1,
    "max_steps": -1,
    "min_epochs": 0,
    "min_steps": 0,
    "log_every_n_steps": 0,
    "accumulate_grad_batches": 1,
    "check_val_every_n_epoch": 1,
    "num_sanity_val_steps": -1,
    "gradient_clip_val": 0,
    "limit_train_batches": 0,
    "limit_val_batches": 0,
    "limit_test_batches": 0,
    "limit_predict_batches": 0,
    "reload_dataloaders_every_n_epochs": 0,
}
"""Smallest value of each number; Lightning fails on less, some of them after the training."""


def check_trainer(trainer: Mapping[str, Any]) -> None:
    """Refuse settings that would crash, or that would change what a run means.

    Raises:
        InputError: naming the key and what to set instead.
    """
    for key, least in AT_LEAST.items():
        value = trainer.get(key)
        if isinstance(value, (int, float)) and not value >= least:
            raise InputError(f"trainer.{key}: {value} must be at least {least}")
    if trainer.get("val_check_interval") in (0, False):
        raise InputError(
            "trainer.val_check_interval: 0 is never reached; set a share of an epoch in (0, 1], or batches"
        )
    if trainer.get("max_epochs") == -1 and trainer.get("max_steps") == -1:
        raise InputError(
            "trainer.max_epochs: -1 never ends, but schedules need an end; set one, or max_steps"
        )
    if str(trainer.get("precision") or "32") not in PRECISIONS:
        raise InputError(
            f"trainer.precision: {trainer['precision']} keeps weights in another format than float32, which "
            "the models are not made for; choose 32-true, 16-mixed or bf16-mixed"
        )
    if trainer.get("overfit_batches"):
        raise InputError(
            f"trainer.overfit_batches: {trainer['overfit_batches']} would replace the samplers that fetch "
            "whole batches; use --trainer.limit_train_batches, or a small catalogue with "
            "--data.init_args.synthetic.products"
        )
    if trainer.get("use_distributed_sampler"):
        raise InputError("trainer.use_distributed_sampler: must be false; the suite's samplers shard already")
    if trainer.get("enable_checkpointing") is False or trainer.get("barebones"):
        raise InputError(
            "trainer.enable_checkpointing, trainer.barebones: a run must write its checkpoint; leave both out"
        )


def check_names(names: Mapping[str, str]) -> None:
    """Refuse names that would lead a run folder out of `runs/`, or be none.

    Args:
        names: `name` and `scale`.

    Raises:
        InputError: one is empty, absolute or climbs.
    """
    for key, name in names.items():
        if not name.strip() or name.startswith(("/", "~")) or ".." in name.split("/") or "\0" in name:
            raise InputError(
                f"{key}: {name!r} names no folder inside of runs/; choose another, or set --run_dir"
            )


def check_seed(seed: Any) -> None:
    """Refuse a seed that NumPy cannot take.

    Raises:
        InputError: it is outside [0, 2^32 - 1].
    """
    if isinstance(seed, int) and not 0 <= seed <= LARGEST_SEED:
        raise InputError(f"seed_everything: {seed} is outside [0, {LARGEST_SEED}]")


def check_checkpoint(path: str | None, last: Path) -> None:
    """Refuse a `--ckpt_path` that is neither a file or folder nor one of Lightning's words that work here.

    Args:
        path: as given; None where it is not.
        last: the run's own last checkpoint, for the message.

    Raises:
        InputError: naming the path and what to pass instead.
    """
    if path is None or path in ("last", "hpc") or "://" in path:
        return
    if Path(path).exists():
        if Path(path).is_file():
            weight_format(Path(path))
        return
    if path == "best":
        raise InputError(
            "--ckpt_path: best is not kept, only the last checkpoint is; leave the option out to take it"
        )
    there = f"{last} is there" if last.exists() else "leave it out to take the run's own, if there is one"
    raise InputError(f"--ckpt_path: {path} is not there; {there}")
