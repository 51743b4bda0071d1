"""Weak and strong scaling of MVLT's pre-training step over processes: `python -m benchmarks.scaling`.

Started alone it starts 1, 2 ... processes on this machine, one after the other. Started by torchrun or srun
(RANK and WORLD_SIZE are set) it measures the processes it finds and adds them to the file; a launch of one
process gives what efficiency is held against.

On a CPU every process has the same share of the cores for every number of processes, one process too: more
processes with their cores are compared, not the same cores cut up. Pairs are drawn at random once, so
nothing is loaded; the network is not compiled.
"""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.machine import facts
from benchmarks.record import RESULTS, load, save
from benchmarks.scale.group import GroupError, Place, Tell, device_of, joined, launched, one_line, run_group
from benchmarks.scale.turns import Asked, Found, Mode, Point, as_row, measure, with_efficiency
from fashionvl.errors import InputError

BATCHES = {"tiny": (2, 2), "laptop": (32, 512), "full": (2, 64)}
"""Pairs a process in weak scaling, on a CPU and on a GPU."""
INTERRUPTED = 130
SAME = ("size", "precision", "device", "backend")
"""Settings that must agree for points of several launches to stand in one file."""


def main(arguments: list[str] | None = None) -> int:
    """Measure, show and keep; the process's exit status."""
    given = _arguments(arguments)
    words = sys.argv[1:] if arguments is None else arguments
    command = " ".join(["python -m benchmarks.scaling", *words])
    if given.place is None or given.place.rank == 0:
        Console(stderr=True).print(_plan(given))
    try:
        found = _here(given) if given.place is None else _launched(given, given.place)
    except KeyboardInterrupt:
        return _stopped("interrupted; nothing is written", INTERRUPTED)
    except GroupError as error:
        return _stopped(f"{error}; nothing is written", 1)
    if given.place is None or given.place.rank == 0:
        _keep(given, command, found)
    return 0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Parse the arguments, with `place` and every default filled in."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scaling", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--processes", type=int, nargs="+", metavar="N", help="default: 1, 2, 4 ... all cores or GPUs"
    )
    parser.add_argument("--size", choices=tuple(BATCHES), default="full")
    parser.add_argument("--precision", choices=("fp32", "bf16"), help="default: fp32 on a CPU, bf16 on a GPU")
    parser.add_argument("--batch", type=int, help="pairs a process in weak scaling")
    parser.add_argument(
        "--global-batch",
        type=int,
        help="pairs of all processes in strong scaling; default: batch x most processes",
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="of steps, for each number of processes")
    parser.add_argument(
        "--out", type=Path, help="default: benchmarks/results/scaling-DEVICE.json, at full size"
    )
    given = parser.parse_args(arguments)
    if given.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch sees no GPU here")
    on_gpu = given.device == "cuda"
    given.cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        given.place = launched(os.environ, given.device, given.cores)
    except InputError as error:
        parser.error(str(error))
    limit = torch.cuda.device_count() if on_gpu else given.cores
    given.processes = _processes(parser, given, limit)
    given.precision = given.precision or ("bf16" if on_gpu else "fp32")
    given.batch = BATCHES[given.size][on_gpu] if given.batch is None else given.batch
    if given.batch < 1:
        parser.error(f"--batch: {given.batch} must be at least 1")
    if given.seconds < 0:
        parser.error(f"--seconds: {given.seconds:g} must not be negative")
    if given.global_batch is None:
        given.global_batch = given.batch * max(given.processes)
    for count in given.processes:
        if given.global_batch < count or given.global_batch % count:
            parser.error(
                f"--global-batch: {given.global_batch} pairs cannot be shared equally by {count} processes"
            )
    if given.out is None and given.size == "full":
        given.out = RESULTS / f"scaling-{given.device}.json"
    return given


def _processes(parser: argparse.ArgumentParser, given: argparse.Namespace, limit: int) -> list[int]:
    if given.place is not None:
        if given.processes not in (None, [given.place.world]):
            parser.error(f"--processes: the launcher has started {given.place.world}; leave it out")
        return [given.place.world]
    counts = sorted(set(given.processes or [2**k for k in range(limit.bit_length())]))
    if counts[0] < 1:
        parser.error(f"--processes: {counts[0]} must be at least 1")
    if given.device == "cuda" and counts[-1] > limit:
        parser.error(f"--processes: {counts[-1]} is more than the {limit} GPUs here")
    return counts


def _threads(given: argparse.Namespace) -> int:
    """Return the threads of each process: its share of the cores at the largest number of processes."""
    return given.place.threads if given.place else max(1, given.cores // max(given.processes))


def _plan(given: argparse.Namespace) -> str:
    """Describe in one line what will be measured."""
    share = (
        f", {_threads(given)} of {given.cores} cores a process for every N" if given.device == "cpu" else ""
    )
    over = (
        f"; {max(given.processes)} processes share {given.cores} cores"
        if given.cores < max(given.processes)
        else ""
    )
    return (
        f"MVLT pre-training step, {given.size}, {given.precision}: N = {', '.join(map(str, given.processes))}"
        f"{share}{over if given.device == 'cpu' else ''}; weak: {given.batch} pairs a process, "
        f"strong: {given.global_batch} in all"
    )


def _asked(given: argparse.Namespace, processes: int) -> Asked:
    batches: dict[Mode, int] = {"weak": given.batch, "strong": given.global_batch // processes}
    return Asked(given.size, given.precision, given.seconds, batches)


def _here(given: argparse.Namespace) -> list[Found]:
    """Start each number of processes on this machine."""
    threads, found = _threads(given), []
    with _progress() as progress:
        for count in given.processes:
            bar = progress.add_task(f"N = {count}: starting", total=1.0)
            places = [Place(rank, count, device_of(given.device, rank), threads) for rank in range(count)]
            found.append(run_group(measure, (_asked(given, count),), places, _teller(progress, bar)))
    return found


def _launched(given: argparse.Namespace, place: Place) -> list[Found]:
    """Take part in what a launcher has started."""
    with _progress(shown=place.rank == 0) as progress:
        bar = progress.add_task(f"N = {place.world}: meeting", total=1.0)
        try:
            with joined(place, "env://"):
                return [measure(place, _teller(progress, bar), _asked(given, place.world))]
        except Exception as error:
            raise GroupError(f"process {place.rank} failed: {one_line(error)}") from error


def _progress(shown: bool = True) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not shown)


def _teller(progress: Progress, bar: Any) -> Tell:
    tell: Callable[[str, float], None] = lambda doing, share: progress.update(  # noqa: E731
        bar, description=doing, completed=share
    )
    return tell


def _keep(given: argparse.Namespace, command: str, found: list[Found]) -> None:
    """Show what was found and write it."""
    about = facts(command, torch.device(given.device))
    about |= {
        "size": given.size,
        "precision": given.precision,
        "backend": "nccl" if given.device == "cuda" else "gloo",
        "started_by": "launcher" if given.place else "itself",
        "cores": given.cores,
        "note": _plan(given),
    }
    points = [point for one in found for point in one.points]
    if given.place and given.out:
        points = _others(load(given.out), about, points) + points
    points = sorted(with_efficiency(points), key=lambda point: (point.mode != "weak", point.processes))
    show(points)
    if given.out:
        last = found[-1]
        save(
            given.out, about, points=[as_row(point) for point in points],
            gradient_bytes=last.gradient_bytes, parameters=last.parameters, buckets=last.buckets,
        )  # fmt: skip
        Console(stderr=True).print(f"written to {given.out}")


def _others(last: dict[str, Any], about: dict[str, Any], points: list[Point]) -> list[Point]:
    """Points of earlier launches with another number of processes, where size, precision and device agree."""
    if any(last.get(name) != about[name] for name in SAME):
        return []
    measured = {point.processes for point in points}
    names = {entry.name for entry in fields(Point)}
    rows = [row for row in last.get("points", []) if row["processes"] not in measured]
    return [Point(**{name: value for name, value in row.items() if name in names}) for row in rows]


def show(points: list[Point]) -> None:
    """Print the table."""
    table = Table(title="Scaling of the MVLT pre-training step", title_justify="left")
    heads = (
        "mode", "processes", "threads", "batch", "pairs/s", "step, s", "min..max",
        "efficiency", "all-reduce share", "all-reduce, GB/s",
    )  # fmt: skip
    for name in heads:
        table.add_column(name, justify="left" if name == "mode" else "right")
    for point in points:
        table.add_row(
            point.mode, str(point.processes), str(point.threads), str(point.batch),
            f"{point.pairs_per_s:,.1f}", f"{point.step_seconds:.3f}",
            f"{point.step_min:.3f}..{point.step_max:.3f}",
            "" if point.efficiency is None else f"{point.efficiency:.0%}",
            f"{point.allreduce_share:.0%}",
            "" if point.allreduce_gb_per_s is None else f"{point.allreduce_gb_per_s:.2f}",
        )  # fmt: skip
    Console(width=None if Console().is_terminal else 140).print(table)


def _stopped(why: str, status: int) -> int:
    Console(stderr=True).print(why, soft_wrap=True, highlight=False, markup=False)
    return status


if __name__ == "__main__":
    sys.exit(main())
