"""What the model of paper-scale runs is fed: what was measured, what the user gives, what is assumed."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.measure import CONTROL
from benchmarks.record import RESULTS, load
from benchmarks.scale.model import RUNS, Assumptions, Run, assumed_pace

ASSUMED, GIVEN = "assumed", "given"
LOADER = "loader alone"


@dataclass(frozen=True)
class Inputs:
    """What the model is fed.

    Attributes:
        assumptions: measured values and the user's put in where there are some.
        paces: pairs a second on one GPU by a run's `work`, as far as measured.
        sources: where each assumption and pace that is not assumed comes from.
    """

    assumptions: Assumptions
    paces: dict[str, float]
    sources: dict[str, str]

    def pace(self, run: Run) -> float:
        """Pairs a second on one GPU."""
        return self.paces.get(run.work) or assumed_pace(run, self.assumptions)

    def source(self, name: str) -> str:
        """Where an assumption, or the pace of a run's `work`, comes from."""
        return self.sources.get(name, ASSUMED)


def read_inputs(results: Path = RESULTS, given: Mapping[str, float] | None = None) -> Inputs:
    """Assumptions, with what was measured in their place, and what the user gives before both.

    Args:
        results: folder of `cuda.json`, `cpu.json` and `scaling-cuda.json`; each may be missing.
        given: assumptions by name.

    Raises:
        ValueError: a value is outside its range; the message names it.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    paces: dict[str, float] = {}
    on_gpu = load(results / "cuda.json").get("results", [])
    for run in RUNS:
        pace = _measured_pace(run, on_gpu)
        if pace:
            paces[run.work], sources[run.work] = pace, "measured, cuda.json"
    for file in ("cpu.json", "cuda.json"):
        loaded = _fastest(load(results / file).get("results", []), LOADER)
        if loaded:
            values["loader_pairs_per_s"] = loaded["pairs_per_s"]
            sources["loader_pairs_per_s"] = f"measured, {file}"
    for name, value in _measured_sharing(load(results / "scaling-cuda.json").get("points", [])).items():
        values[name], sources[name] = value, "measured, scaling-cuda.json"
    given = given or {}
    for run in RUNS:
        # Who gives a share of the peak asks for what follows from it, not for what was measured.
        if run.mfu in given or "peak_tflops" in given:
            paces.pop(run.work, None)
            sources[run.work] = GIVEN
    sources |= dict.fromkeys(given, GIVEN)
    return Inputs(replace(Assumptions(), **values | dict(given)), paces, sources)


def _fastest(rows: Sequence[Mapping[str, Any]], work: str) -> Mapping[str, Any] | None:
    """The fastest plan of a work, its yardstick and its control aside."""
    plans = [
        row
        for row in rows
        if row["work"].startswith(work)
        and row["plan"] not in (CONTROL, row["against"])
        and row.get("pairs_per_s")
    ]
    return max(plans, key=lambda row: row["pairs_per_s"], default=None)


def _measured_pace(run: Run, rows: Sequence[Mapping[str, Any]]) -> float | None:
    row = _fastest(rows, run.work)
    if row is None:
        return None
    # Crops may have been smaller than the paper's; FLOP/s carry over, photographs a second do not.
    return float(row["pairs_per_s"]) if run.learns else float(row["flops_per_s"]) / run.flops


def _measured_sharing(points: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Bandwidth inside a node and the hidden share, of the largest group that one node holds."""
    inside = [point for point in points if 1 < point["processes"] <= Assumptions.gpus_a_node]
    if not inside:
        return {}
    most = max(point["processes"] for point in inside)
    largest = [point for point in inside if point["processes"] == most]
    hidden = [
        1 - point["allreduce_share"] * point["step_seconds"] / point["allreduce_seconds"] for point in largest
    ]
    return {
        "nvlink_gb_per_s": largest[0]["allreduce_gb_per_s"],
        "hidden": min(1.0, max(0.0, statistics.median(hidden))),
    }
