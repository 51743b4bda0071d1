"""Cost of a pair against batch size, image size and candidates: `python -m benchmarks.sweeps`."""

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.computing import allow_tf32
from benchmarks.machine import facts
from benchmarks.measure import Plan, Turn, turn, unmarked
from benchmarks.memory import peak_above_idle
from benchmarks.page.points import SweepPoint
from benchmarks.record import RESULTS, load, save
from benchmarks.setting import Setting
from benchmarks.works import mvlt_retrieval, mvlt_step

MB = 2**20
STEP, RETRIEVAL = "MVLT training step", "MVLT retrieval"
PLANS = ("released", "ours", "best")
LONGEST = 7.0
"""Seconds: the released plan is left out where a turn would take longer, so that all ends in four minutes."""


@dataclass(frozen=True)
class Case:
    """One size to measure at.

    Attributes:
        work: name of what is done.
        axis: `batch size`, `image size` or `candidates`.
        value: on that axis.
        pairs: of one turn.
        plans: makes the plans.
    """

    work: str
    axis: str
    value: int
    pairs: int
    plans: Callable[[], list[Plan]]


def cases(setting: Setting) -> list[Case]:
    """List every size, smallest first on each axis."""
    side, batch = (256 if setting.full else 64), setting.pick(tiny=1, cpu=2, gpu=64)
    queries = setting.pick(tiny=1, cpu=1, gpu=16)
    batches: tuple[int, ...] = (1, 2)
    sides: tuple[int, ...] = (64, 96)
    counts: tuple[int, ...] = (3, 5)
    if setting.full:
        batches = (8, 16, 32, 64, 128, 256, 512) if setting.on_gpu else (1, 2, 4, 8, 16)
        sides, counts = (64, 128, 192, 256, 320), (11, 26, 51, 101)
    return [
        *(_step(setting, "batch size", one, batch=one, image_size=side) for one in batches),
        *(_step(setting, "image size", one, batch=batch, image_size=one) for one in sides),
        *(_retrieval(setting, one, queries) for one in counts),
    ]


def _step(setting: Setting, axis: str, value: int, batch: int, image_size: int) -> Case:
    make = lambda: mvlt_step.plans(setting, batch=batch, image_size=image_size)  # noqa: E731
    return Case(STEP, axis, value, batch, make)


def _retrieval(setting: Setting, candidates: int, queries: int) -> Case:
    make = lambda: mvlt_retrieval.plans(setting, queries=queries, candidates=candidates)  # noqa: E731
    # Texts rank photographs, and photographs texts.
    return Case(RETRIEVAL, "candidates", candidates, 2 * queries * candidates, make)


def measure(case: Case, setting: Setting, before: list[SweepPoint]) -> list[SweepPoint]:
    """A point for each plan, their turns taken in rounds.

    Args:
        case: what is measured.
        setting: device and seconds; at least one round is measured, whatever it takes.
        before: points of lesser sizes, from which it is told whether the released plan would take too long.
    """
    left_out = "released" if too_long(case, before) else ""
    plans = [plan for plan in case.plans() if plan.name in PLANS and plan.name != left_out]
    turns = _turns(plans, setting)
    return [_point(case, plan, turns[plan.name], setting.device) for plan in plans]


def _turns(plans: list[Plan], setting: Setting) -> dict[str, list[Turn]]:
    """Rounds until the time is over, at least one after the warm-up; no control, whose time is dear."""
    for plan in plans:
        plan.run(unmarked)
    found: dict[str, list[Turn]] = {plan.name: [] for plan in plans}
    began = time.perf_counter()
    while True:
        for plan in plans:
            found[plan.name].append(turn(plan, setting.device))
        if time.perf_counter() - began >= setting.seconds:
            return found


def _point(case: Case, plan: Plan, turns: list[Turn], device: torch.device) -> SweepPoint:
    costs = [1000 / one.pace for one in turns]
    peak = peak_above_idle(lambda: plan.run(unmarked), device) / MB
    ends = (statistics.median(costs), min(costs), max(costs))
    return SweepPoint(case.work, plan.name, plan.precision, case.axis, case.value, *ends, peak)


def too_long(case: Case, before: list[SweepPoint]) -> bool:
    """Return whether a released turn would exceed `LONGEST` seconds, judged by the nearest smaller size."""
    own = [point for point in before if (point.work, point.axis) == (case.work, case.axis)]
    lesser = [point for point in own if point.plan == "released" and point.value < case.value]
    if not lesser:
        return False
    last = max(lesser, key=lambda point: point.value)
    growth = (case.value / last.value) ** 2 if case.axis == "image size" else 1.0
    return growth * last.ms_per_pair * case.pairs / 1000 > LONGEST


def main(arguments: list[str] | None = None) -> int:
    """Measure every size that the file does not hold yet; it is written after each of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweeps", description=__doc__)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each size, after the warm-up")
    parser.add_argument("--scratch", type=Path, default=Path("data/benchmarks"))
    parser.add_argument(
        "--out", type=Path, help="default: benchmarks/results/sweeps-DEVICE.json, at full size"
    )
    given = parser.parse_args(arguments)
    if given.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch sees no GPU here")
    setting = Setting(torch.device(given.device), given.size, given.scratch, given.seconds)
    allow_tf32(setting.device)
    out = given.out or (RESULTS / f"sweeps-{given.device}.json" if setting.full else None)
    words = arguments if arguments is not None else sys.argv[1:]
    _sweep(setting, facts(" ".join(["python -m benchmarks.sweeps", *words]), setting.device), out)
    return 0


def _sweep(setting: Setting, about: dict[str, Any], out: Path | None) -> None:
    points = _continued(load(out) if out else {}, about)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=None)
        for case in progress.track(cases(setting), task_id=bar):
            progress.update(bar, description=f"{case.work}, {case.axis} {case.value}")
            if any((one.work, one.axis, one.value) == (case.work, case.axis, case.value) for one in points):
                continue
            try:
                found = measure(case, setting, points)
            except torch.OutOfMemoryError:
                console.print(f"{case.work}, {case.axis} {case.value}: does not fit into the GPU's memory")
                continue
            finally:
                # Each size is compiled for itself; too many in one process would silently not be.
                torch.compiler.reset()
                gc.collect()
            points += found
            console.print(_line(case, found), soft_wrap=True)
            if out:
                save(out, about, points=[asdict(point) for point in points])
    if out:
        console.print(f"{len(points)} points in {out}; remove it to measure anew")


def _continued(last: dict[str, Any], about: dict[str, Any]) -> list[SweepPoint]:
    """Points of an interrupted run of the same command, code and machine."""
    if any(last.get(key) != about[key] for key in ("command", "commit", "machine", "device")):
        return []
    return [SweepPoint(**point) for point in last.get("points", [])]


def _line(case: Case, found: list[SweepPoint]) -> str:
    costs = ", ".join(f"{one.plan} {one.ms_per_pair:,.4g} ms a pair, {one.peak_mb:,.0f} MB" for one in found)
    return f"{case.work}, {case.axis} {case.value}: {costs}"


if __name__ == "__main__":
    sys.exit(main())
