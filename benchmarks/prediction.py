"""Time and cost of runs at paper scale on 1, 8 and 64 GPUs, and how far the model can be trusted.

    python -m benchmarks.prediction
    python -m benchmarks.prediction --network-gb-per-s 100 --price 2.5

What was measured on a GPU (`results/cuda.json`, `results/scaling-cuda.json`) is taken where it is there; all
else is assumed, says so, and can be given on the command line. `benchmarks.scale.model` is the model.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.record import RESULTS, load
from benchmarks.scale.inputs import Inputs, read_inputs
from benchmarks.scale.model import RUNS, Assumptions, Limit, Run, arrangement, exposed_seconds, step

GPUS = (1, 8, 64)


@dataclass(frozen=True)
class Row:
    """One run on a number of GPUs.

    Attributes:
        run: its name.
        gpus: in all.
        together: GPUs that work on one run; others work on other columns at the same time.
        batch: pairs a GPU and step.
        hours: until everything is done.
        gpu_hours: that are paid for.
        cost: at the assumed price.
        limit: the longest part of a step.
        compute: milliseconds of a step.
        loading: milliseconds of a step, at the same time as `compute`.
        exposed: milliseconds of a step, beside `compute`.
        pairs_per_s: on one GPU alone.
        source: of `pairs_per_s`: `assumed`, or the file that measured it.
    """

    run: str
    gpus: int
    together: int
    batch: float
    hours: float
    gpu_hours: float
    cost: float
    limit: Limit
    compute: float
    loading: float
    exposed: float
    pairs_per_s: float
    source: str


@dataclass(frozen=True)
class Check:
    """The model against what `benchmarks.scaling` measured.

    Attributes:
        mode: `weak` or `strong`.
        processes: N.
        predicted: seconds of a step.
        measured: seconds of a step.
        error: predicted / measured - 1; negative where the model was too hopeful.
        exposed_predicted: of the predicted step, seconds of waiting for gradients.
        exposed_measured: of the measured step, likewise. Where these agree and the steps do not, processes
            take something else from each other.
    """

    mode: str
    processes: int
    predicted: float
    measured: float
    error: float
    exposed_predicted: float
    exposed_measured: float


def table(inputs: Inputs | None = None, gpus: Sequence[int] = GPUS) -> list[Row]:
    """Every run at paper scale on every number of GPUs.

    Args:
        inputs: what the model is fed; by default what lies in `benchmarks/results`.
        gpus: numbers of GPUs.
    """
    inputs = inputs or read_inputs()
    return [_row(run, count, inputs) for run in RUNS for count in gpus]


def _row(run: Run, gpus: int, inputs: Inputs) -> Row:
    given, pace = inputs.assumptions, inputs.pace(run)
    together, total = arrangement(run, gpus, pace, given)
    one = step(run, together, pace, given)
    return Row(
        run=run.name,
        gpus=gpus,
        together=together,
        batch=run.local_batch(together),
        hours=total,
        gpu_hours=gpus * total,
        cost=gpus * total * given.price,
        limit=one.limit,
        compute=1000 * one.compute,
        loading=1000 * one.loading,
        exposed=1000 * one.exposed,
        pairs_per_s=pace,
        source=inputs.source(run.work),
    )


def check(points: Sequence[Mapping[str, Any]], hidden: float = 0.0, backward: float = 2 / 3) -> list[Check]:
    """The model's steps of several processes against the measured ones.

    Fed with one process's steps and the all-reduce alone of the smallest group, it foretells the steps of
    every group. It knows nothing of what processes on one machine take from each other: memory bandwidth, and
    the cores that carry the messages.

    Args:
        points: of `results/scaling-DEVICE.json`.
        hidden: share of the all-reduce behind the backward pass; none on a CPU, whose cores are all taken.
        backward: share of the computation that is the backward pass.

    Returns:
        One for each point of several processes; none where one process, or a larger group, was not measured.
    """
    alone = {point["batch"]: point["step_seconds"] for point in points if point["processes"] == 1}
    groups = [point for point in points if point.get("allreduce_seconds")]
    if not alone or not groups:
        return []
    first = min(groups, key=lambda point: point["processes"])
    unit = first["allreduce_seconds"] / _crossings(first["processes"])
    found = []
    for point in groups:
        compute = _interpolated(alone, point["batch"])
        allreduce = unit * _crossings(point["processes"])
        exposed = exposed_seconds(allreduce, backward * compute, hidden)
        measured = point["step_seconds"]
        found.append(
            Check(
                mode=point["mode"],
                processes=point["processes"],
                predicted=compute + exposed,
                measured=measured,
                error=(compute + exposed) / measured - 1,
                exposed_predicted=exposed,
                exposed_measured=point["allreduce_share"] * measured,
            )
        )
    return found


def _crossings(members: int) -> float:
    """How often the payload crosses a member's link in a ring all-reduce."""
    return 2 * (members - 1) / members


def _interpolated(alone: Mapping[int, float], batch: int) -> float:
    """Seconds of one process's step, on the line through its smallest and largest batch measured."""
    if batch in alone:
        return alone[batch]
    small, large = min(alone), max(alone)
    slope = (alone[large] - alone[small]) / (large - small) if large > small else alone[large] / large
    return max(alone[large] + slope * (batch - large), 0.0)


def main(arguments: list[str] | None = None) -> int:
    """Print the predictions, what they assume, and how well the model foretold this machine's scaling."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.prediction", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of what was measured")
    parser.add_argument("--gpus", type=int, nargs="+", default=list(GPUS), metavar="N")
    explained = Assumptions.explained()
    for entry in fields(Assumptions):
        kind = int if entry.type in (int, "int") else float
        parser.add_argument(
            f"--{entry.name.replace('_', '-')}", type=kind, help=explained[entry.name].replace("%", "%%")
        )
    words = parser.parse_args(arguments)
    if min(words.gpus) < 1:
        parser.error(f"--gpus: {min(words.gpus)} must be at least 1")
    named = {entry.name: getattr(words, entry.name) for entry in fields(Assumptions)}
    try:
        inputs = read_inputs(
            words.results, {name: value for name, value in named.items() if value is not None}
        )
    except ValueError as error:
        parser.error(str(error))
    show(inputs, table(inputs, words.gpus), words.results)
    return 0


def show(inputs: Inputs, rows: Sequence[Row], results: Path) -> None:
    """Print predictions, assumptions with their sources, and checks where scaling was measured."""
    console = Console(width=None if Console().is_terminal else 150)
    predicted = Table(title="Predicted time and cost at paper scale", title_justify="left")
    for name in ("run", "GPUs", "on one run", "batch", "hours", "GPU hours", "cost", "limit",
                 "compute, ms", "loading, ms", "exposed, ms", "pairs/s on one", "source"):  # fmt: skip
        words = name in ("run", "limit", "source")
        predicted.add_column(name, justify="left" if words else "right", no_wrap=name == "run")
    for row in rows:
        predicted.add_row(
            row.run, str(row.gpus), str(row.together), f"{row.batch:,.4g}", f"{row.hours:,.3g}",
            f"{row.gpu_hours:,.3g}", f"{row.cost:,.0f}", row.limit, f"{row.compute:,.1f}",
            f"{row.loading:,.1f}", f"{row.exposed:,.1f}", f"{row.pairs_per_s:,.0f}", row.source,
        )  # fmt: skip
    console.print(predicted)
    taken = Table(title="What it takes for granted", title_justify="left")
    for name in ("assumption", "value", "from", "what it is"):
        taken.add_column(name)
    for name, said in Assumptions.explained().items():
        taken.add_row(name, f"{getattr(inputs.assumptions, name):.4g}", inputs.source(name), said)
    console.print(taken)
    for device in ("cpu", "cuda"):
        points = load(results / f"scaling-{device}.json").get("points", [])
        hidden = inputs.assumptions.hidden if device == "cuda" else 0.0
        found = check(points, hidden, inputs.assumptions.backward)
        if found:
            console.print(_checked(found, device))


def _checked(found: Sequence[Check], device: str) -> Table:
    shown = Table(title=f"The model against measured scaling, {device}", title_justify="left")
    for name in ("mode", "processes", "predicted, s", "measured, s", "error",
                 "exposed: predicted, s", "exposed: measured, s"):  # fmt: skip
        shown.add_column(name, justify="left" if name == "mode" else "right")
    for one in found:
        shown.add_row(
            one.mode, str(one.processes), f"{one.predicted:.3f}", f"{one.measured:.3f}", f"{one.error:+.0%}",
            f"{one.exposed_predicted:.3f}", f"{one.exposed_measured:.3f}",
        )  # fmt: skip
    return shown


if __name__ == "__main__":
    sys.exit(main())
