"""Measurements of a process group: steps with and without shared gradients, then the all-reduce alone."""

import statistics
import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import torch
import torch.distributed as dist

from benchmarks.computing import allow_tf32
from benchmarks.measure import LEAST_ROUNDS, now
from benchmarks.scale.group import Place, Tell
from benchmarks.scale.step import Precision, Size, Stepper
from fashionvl.data.records import PairBatch

Mode = Literal["weak", "strong"]

WARM_UP = 2
"""Steps of a kind before any is counted; DistributedDataParallel settles its buckets in the first two."""
STEPS = {"cpu": 1, "cuda": 10}
"""Steps of a turn: one on a GPU is too short for a clock on the host."""
ALONE_SHARE = 0.25
"""Seconds of all-reduces alone, of those of the steps."""


@dataclass(frozen=True)
class Asked:
    """Settings of a group's measurement.

    Attributes:
        size: of the network, a scale of MVLT's recipe.
        precision: of what is computed.
        seconds: steps are measured about so long, beyond three rounds.
        batches: pairs a process of each mode; equal ones are measured once.
    """

    size: Size
    precision: Precision
    seconds: float
    batches: dict[Mode, int]


@dataclass(frozen=True)
class Point:
    """One number of processes in one mode.

    Attributes:
        mode: `weak`, the same batch a process for every number of processes; `strong`, the same global batch.
        processes: N.
        threads: of each process on a CPU.
        batch: pairs a process.
        pairs_per_s: over all processes, from the median step.
        step_seconds: of the slowest process, median over rounds.
        step_min: the least of a round.
        step_max: the greatest of a round.
        unsynced_seconds: the same step with gradients kept to each process, median over rounds.
        rounds: how many.
        allreduce_share: (a) of the step: median over rounds of the synced minus the unsynced step, over the
            median step. What is left exposed; noise can push it below 0. 0 for one process.
        allreduce_seconds: (b) all gradients all-reduced alone, in DistributedDataParallel's pieces, median;
            None for one process.
        allreduce_gb_per_s: bus bandwidth of (b), 2 (N - 1) / N * bytes / seconds / 1e9; None for one process.
        efficiency: pairs a second over N times those of one process of the same mode; None where that is
            not known.
    """

    mode: Mode
    processes: int
    threads: int
    batch: int
    pairs_per_s: float
    step_seconds: float
    step_min: float
    step_max: float
    unsynced_seconds: float
    rounds: int
    allreduce_share: float
    allreduce_seconds: float | None
    allreduce_gb_per_s: float | None
    efficiency: float | None = None


@dataclass(frozen=True)
class Found:
    """Results of a group's measurement.

    Attributes:
        points: one of each mode.
        parameters: trained weights.
        gradient_bytes: of their gradients.
        buckets: bytes of each piece that gradients travel in; empty for one process.
    """

    points: list[Point]
    parameters: int
    gradient_bytes: int
    buckets: list[int]


def measure(place: Place, tell: Tell, asked: Asked) -> Found:
    """Measure, as one process of torch's default group; every process calls it and finds the same."""
    allow_tf32(place.device)
    name = f"N = {place.world}"
    tell(f"{name}: warming up", 0.0)
    stepper = Stepper(place, asked.size, asked.precision)
    batches = {count: stepper.pairs(count) for count in sorted(set(asked.batches.values()))}
    turns = _turns(stepper, batches, asked.seconds, tell, name)
    buckets = stepper.buckets() if place.world > 1 else []
    alone = _alone(place, buckets, ALONE_SHARE * asked.seconds, tell, name) if buckets else None
    points = [
        _point(mode, place, count, turns[count], alone, sum(buckets)) for mode, count in asked.batches.items()
    ]
    return Found(points, sum(weight.numel() for weight in stepper.trained), stepper.gradient_bytes, buckets)


def slowest(place: Place, seconds: float) -> float:
    """The greatest of all processes' numbers, the same in each of them."""
    found = torch.tensor(seconds, dtype=torch.float64, device=place.device)
    dist.all_reduce(found, dist.ReduceOp.MAX)
    return float(found)


def _turn(stepper: Stepper, batch: PairBatch, synced: bool) -> float:
    """Seconds of one step, of the slowest process."""
    place, steps = stepper.place, STEPS[stepper.place.device.type]
    dist.barrier()
    began = now(place.device)
    for _ in range(steps):
        stepper.step(batch, synced)
    return slowest(place, now(place.device) - began) / steps


def _turns(
    stepper: Stepper, batches: dict[int, PairBatch], seconds: float, tell: Tell, name: str
) -> dict[int, list[tuple[float, float]]]:
    """Time a synced and an unsynced step of each round, in seconds, by batch."""
    for batch in batches.values():
        for _ in range(WARM_UP):
            stepper.step(batch, synced=True)
            stepper.step(batch, synced=False)
    found: dict[int, list[tuple[float, float]]] = {count: [] for count in batches}
    began, spent, done = time.perf_counter(), 0.0, 0
    # Rounds take turns over everything that is compared; all processes must agree on the last one.
    while done < LEAST_ROUNDS or spent < seconds:
        for count, batch in batches.items():
            found[count].append((_turn(stepper, batch, True), _turn(stepper, batch, False)))
        done += 1
        spent = slowest(stepper.place, time.perf_counter() - began)
        tell(f"{name}: steps of {', '.join(map(str, batches))} pairs", min(1.0, spent / max(seconds, 1e-9)))
    return found


def _alone(place: Place, buckets: list[int], seconds: float, tell: Tell, name: str) -> float:
    """Median seconds of all-reducing the pieces, all under way at once as in a backward pass."""
    tell(f"{name}: all-reduce alone", 1.0)
    pieces = [torch.zeros(size // 4, dtype=torch.float32, device=place.device) for size in buckets]

    def share() -> float:
        dist.barrier()
        began = now(place.device)
        for handle in [dist.all_reduce(piece, async_op=True) for piece in pieces]:
            handle.wait()
        return slowest(place, now(place.device) - began)

    share()
    times: list[float] = []
    began, spent = time.perf_counter(), 0.0
    while len(times) < LEAST_ROUNDS or spent < seconds:
        times.append(share())
        spent = slowest(place, time.perf_counter() - began)
    return statistics.median(times)


def _point(
    mode: Mode, place: Place, batch: int, turns: list[tuple[float, float]], alone: float | None, payload: int
) -> Point:
    synced = [one for one, _ in turns]
    step = statistics.median(synced)
    exposed = statistics.median(one - other for one, other in turns)
    crossed = 2 * (place.world - 1) / place.world * payload
    return Point(
        mode=mode,
        processes=place.world,
        threads=place.threads,
        batch=batch,
        pairs_per_s=batch * place.world / step,
        step_seconds=step,
        step_min=min(synced),
        step_max=max(synced),
        unsynced_seconds=statistics.median(other for _, other in turns),
        rounds=len(turns),
        allreduce_share=exposed / step if place.world > 1 else 0.0,
        allreduce_seconds=alone,
        allreduce_gb_per_s=None if alone is None else crossed / alone / 1e9,
    )


def with_efficiency(points: list[Point]) -> list[Point]:
    """The points with their efficiency against the point of one process and as large a batch.

    Weak points are compared at the same batch a process, strong ones at the same global batch.
    """
    ones = {(point.mode, point.batch): point for point in points if point.processes == 1}

    def judged(point: Point) -> Point:
        batch = point.batch if point.mode == "weak" else point.batch * point.processes
        one = ones.get((point.mode, batch))
        share = None if one is None else point.pairs_per_s / (point.processes * one.pairs_per_s)
        return replace(point, efficiency=share)

    return [judged(point) for point in points]


def as_row(point: Point) -> dict[str, Any]:
    """A point as a file of results holds it."""
    return asdict(point)
