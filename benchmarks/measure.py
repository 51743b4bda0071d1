"""Plans measured side by side: in turns, in one process, with a control."""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch

Mark = Callable[[str], None]
"""Told the name of a stage as it ends."""

CONTROL = "control"
LEAST_ROUNDS = 3


@dataclass(frozen=True)
class Plan:
    """One way of doing a piece of work.

    Attributes:
        name: unique within the work: `released`, `ours`, `best` ...
        precision: `fp32`, `tf32`, `bf16`; of what is computed.
        run: does one turn; is told a `Mark` to call at each stage's end, returns how many items it took.
        target: least ratio to the work's first plan on this device; None without a target.
        least_items_per_s: target of items a second; None without one.
        least_mfu: target of the MFU, in [0, 1]; None without one.
        most_memory: target of the share of the first plan's peak memory; None without one.
    """

    name: str
    precision: str
    run: Callable[[Mark], int]
    target: float | None = None
    least_items_per_s: float | None = None
    least_mfu: float | None = None
    most_memory: float | None = None


@dataclass(frozen=True)
class Work:
    """A piece of work and the ways of doing it.

    Attributes:
        name: as tables show it.
        plans: the first is the yardstick, all others are compared with it; the second is also run twice a
            round, as a control that shows how far two equal plans lie apart.
        item: what is counted, `pair`, `row`, `photograph`.
        flops: floating-point operations that an item needs, as the second and later plans compute it; None
            where nothing is computed.
        released_flops: that the first plan spends on an item; None: as many.
        bytes: that an item moves, where bandwidth is the limit; else None.
        measures_memory: whether peak memory of one turn is of interest.
        note: one line on what is left out or scaled down; empty without one.
    """

    name: str
    plans: list[Plan]
    item: str = "pair"
    flops: float | None = None
    released_flops: float | None = None
    bytes: float | None = None
    measures_memory: bool = False
    note: str = ""


@dataclass(frozen=True)
class Turn:
    """One turn of a plan."""

    seconds: float
    items: int

    @property
    def pace(self) -> float:
        """Items a second."""
        return self.items / self.seconds


@dataclass
class Ratio:
    """Speed ratio of one plan to another, over rounds."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, one: list[Turn], other: list[Turn]) -> "Ratio":
        """Compute the ratio of two plans' turns, paired round by round."""
        ratios = [a.pace / b.pace for a, b in zip(one, other, strict=True)]
        return cls(statistics.median(ratios), min(ratios), max(ratios))


@dataclass
class Stopwatch:
    """Times the stages of one turn; on a GPU it waits for the device at every mark.

    Attributes:
        stages: seconds by stage, in order of first appearance.
    """

    device: torch.device
    stages: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._last = now(self.device)

    def __call__(self, stage: str) -> None:
        """End a stage."""
        moment = now(self.device)
        self.stages[stage] = self.stages.get(stage, 0.0) + moment - self._last
        self._last = moment


def now(device: torch.device) -> float:
    """Seconds on a steady clock, once the device has done all that was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def unmarked(stage: str) -> None:
    """No mark: a turn that is timed as a whole is not held up between its stages."""


def turn(plan: Plan, device: torch.device) -> Turn:
    """Time one turn as a whole."""
    began = now(device)
    items = plan.run(unmarked)
    return Turn(now(device) - began, items)


def rounds(work: Work, device: torch.device, seconds: float) -> Iterator[dict[str, Turn]]:
    """Turns of every plan, and of the control, round by round, after one turn each to warm up.

    Every other round goes backwards, so that no plan always follows the same one.

    Args:
        work: what is done.
        device: that is waited for.
        seconds: no round starts after so many, once three are done.
    """
    order = [(plan.name, plan) for plan in work.plans]
    if len(order) > 1:
        order.append((CONTROL, order[1][1]))
    for plan in work.plans:
        plan.run(unmarked)
    began, done = time.perf_counter(), 0
    while done < LEAST_ROUNDS or time.perf_counter() - began < seconds:
        found = {name: turn(plan, device) for name, plan in order[:: -1 if done % 2 else 1]}
        yield {name: found[name] for name, _ in order}
        done += 1


def stages(plan: Plan, device: torch.device, times: int = 2) -> dict[str, float]:
    """Milliseconds a stage of one turn takes, median over a few turns."""
    watches = []
    for _ in range(times):
        watch = Stopwatch(device)
        plan.run(watch)
        watches.append(watch.stages)
    return {stage: 1000 * statistics.median(found[stage] for found in watches) for stage in watches[0]}
