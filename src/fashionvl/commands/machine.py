"""Check a configuration against this machine before anything long is built."""

import os
import sys
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from fashionvl.commands.configurations import OPTION, Given
from fashionvl.configuration import read_yaml
from fashionvl.errors import InputError, check_range
from fashionvl.studies.recipe import FILE, Recipe, Stage, read_recipe

ON_CPU = "--trainer.accelerator cpu --trainer.devices 1 --trainer.strategy auto --trainer.precision 32-true"

LAUNCHED = ("SLURM_NTASKS", "TORCHELASTIC_RUN_ID", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "LSB_JOBID")
"""Variables of SLURM, torchrun, MPI and LSF, which start the processes of all nodes."""

MOST_DEVICES = 4096
"""Processes on one machine; far above any."""


def check_accelerator(trainer: Mapping[str, Any], files: Iterable[Path], gpus: int) -> None:
    """Refuse a trainer that asks for more GPUs than there are.

    Args:
        trainer: section of the configuration.
        files: configuration files in the order they were given; overlays are looked for beside the first.
        gpus: GPUs that PyTorch sees.

    Raises:
        InputError: naming the overlays of the recipe that fit this machine.
    """
    accelerator, devices = trainer.get("accelerator"), trainer.get("devices")
    check_range("trainer.devices", _count(devices), -1, MOST_DEVICES)
    if accelerator not in ("gpu", "cuda"):
        return
    if not gpus:
        raise InputError(
            f"trainer.accelerator: {accelerator}, but PyTorch sees no GPU on this machine; "
            f"{_advice(list(files), 0)}"
        )
    if _count(devices) > gpus:
        raise InputError(
            f"trainer.devices: {devices}, but PyTorch sees {gpus} GPU{'s' * (gpus > 1)} on this machine; "
            f"{_advice(list(files), gpus)}"
        )


def check_early(given: Iterable[Given], words: list[str]) -> None:
    """Refuse GPUs on a machine that plainly has none, before PyTorch is imported, which takes many seconds.

    Args:
        given: keys of the configuration files and of the command line.
        words: of the command line.

    Raises:
        InputError: as `check_accelerator`.
    """
    trainer: dict[str, list[str | None]] = {}
    for key in given:
        if key.path[0] == "trainer":
            trainer.setdefault(key.path[-1], []).append(key.value)
    accelerators = trainer.get("accelerator", ["auto"])
    # Where several are given, the parser knows which of them counts.
    if all(name in ("gpu", "cuda") for name in accelerators) and not may_have_gpu():
        files = [Path(after) for word, after in pairwise(words) if word == OPTION]
        check_accelerator({"accelerator": accelerators[-1]}, files, 0)


def may_have_gpu() -> bool:
    """Return whether the machine may have a GPU: on Linux, if a known driver has a device file."""
    if not sys.platform.startswith("linux"):
        return True
    return any(any(Path("/dev").glob(name)) for name in ("nvidia*", "nvhost*", "nvmap", "kfd", "dxg"))


def _count(devices: Any) -> int:
    """GPUs that `trainer.devices` needs at least."""
    if isinstance(devices, str) and devices.isdigit():
        return int(devices)
    if isinstance(devices, list):
        return max((int(number) + 1 for number in devices), default=0)
    return devices if isinstance(devices, int) and not isinstance(devices, bool) else 0


def _advice(files: list[Path], gpus: int) -> str:
    found = [
        f"{' '.join(f'--config {file}' for file in overlay)} ({scale})"
        for scale, overlay in _overlays(files).items()
        if _fits(overlay, gpus)
    ]
    by_hand = ON_CPU if not gpus else f"--trainer.devices {gpus}"
    return f"add {' or '.join(found)}, or {by_hand}" if found else f"set {by_hand}"


def _overlays(files: list[Path]) -> dict[str, tuple[Path, ...]]:
    """Overlays by scale of the stage that the first file is a base of, without those given already."""
    if not files or not (files[0].parent / FILE).is_file():
        return {}
    try:
        stage = _stage(read_recipe(files[0].parent / FILE), files[0])
    except InputError:
        return {}
    if stage is None:
        return {}
    given = {file.resolve() for file in files}
    if any(file.resolve() in given for overlay in stage.overlays.values() for file in overlay):
        return {}
    base = files[0].resolve()
    return {
        scale: overlay
        for scale, overlay in stage.overlays.items()
        if overlay and stage.base(scale).resolve() == base
    }


def _stage(recipe: Recipe, base: Path) -> Stage | None:
    bases = {stage.name: {stage.config, *stage.configs.values()} for stage in recipe.stages}
    there = base.resolve()
    return next(
        (stage for stage in recipe.stages if there in {file.resolve() for file in bases[stage.name]}), None
    )


def _fits(overlay: tuple[Path, ...], gpus: int) -> bool:
    trainer: dict[str, Any] = {}
    for file in overlay:
        trainer |= read_yaml(file).get("trainer", {})
    if trainer.get("accelerator") in ("gpu", "cuda"):
        return 0 < _count(trainer.get("devices", 1)) <= gpus
    return "accelerator" in trainer


def check_nodes(nodes: int, devices: Any, plugins: Any = None) -> None:
    """Refuse several nodes without a launcher, for which each process would wait without an end.

    Args:
        nodes: `trainer.num_nodes`.
        devices: `trainer.devices`, for the message.
        plugins: `trainer.plugins`, which may bring an environment of their own.

    Raises:
        InputError: naming the launchers there are.
    """
    told = any(name in os.environ for name in ("NODE_RANK", "GROUP_RANK", "RANK"))
    if nodes == 1 or plugins or ("MASTER_ADDR" in os.environ and told):
        return
    if any(name in os.environ for name in LAUNCHED):
        return
    raise InputError(
        f"trainer.num_nodes: {nodes}, but no launcher started this process; start it on each node by srun or "
        f"torchrun --nnodes {nodes} --nproc-per-node {_count(devices) or 1}, or set MASTER_ADDR, MASTER_PORT "
        "and NODE_RANK there"
    )


def check_slurm(devices: Any, nodes: int) -> None:
    """Refuse a SLURM job whose numbers of tasks and nodes are not the trainer's.

    Raises:
        InputError: naming the variable, the key and what both should be.
    """
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

    if not SLURMEnvironment.detect():
        return
    tasks, each = os.environ.get("SLURM_NTASKS", "1"), os.environ.get("SLURM_NTASKS_PER_NODE")
    if each is None and tasks != "1":
        raise InputError(
            f"SLURM_NTASKS={tasks}, but SLURM_NTASKS_PER_NODE is not set; ask for "
            f"--ntasks-per-node={_count(devices) or 1}, as trainer.devices, in place of --ntasks, or unset "
            "SLURM_NTASKS to run one process"
        )
    if each is not None and _count(devices) and each != str(_count(devices)):
        raise InputError(
            f"trainer.devices: {devices}, but SLURM_NTASKS_PER_NODE={each}; they must be the same number"
        )
    held = os.environ.get("SLURM_NNODES")
    if held is not None and held != str(nodes):
        raise InputError(f"trainer.num_nodes: {nodes}, but SLURM_NNODES={held}; they must be the same number")
