"""Running of works one after the other, and their results."""

import gc
import statistics
from collections.abc import Iterable, Iterator

from rich.progress import Progress

from benchmarks.machine import matmul_peak
from benchmarks.measure import CONTROL, Plan, Ratio, Turn, Work, rounds, stages, unmarked
from benchmarks.memory import peak_above_idle
from benchmarks.record import Result
from benchmarks.setting import Setting
from benchmarks.works import build

MB = 2**20


class Bench:
    """Runs works at one setting; what was measured so far stands in `results`."""

    def __init__(self, setting: Setting, name_of_device: str) -> None:
        self.setting, self.device_name = setting, name_of_device
        self.results: list[Result] = []
        self.peaks: dict[str, float] = {}

    def run(self, names: Iterable[str], progress: Progress) -> Iterator[list[Result]]:
        """Measure the works of each name; yields after each work what is known so far."""
        for name in names:
            bar = progress.add_task(f"{name}: making what it needs", total=None)
            for work in build(name, self.setting):
                progress.update(bar, description=work.name)
                self.results += self.measure(work)
                yield self.results
            progress.remove_task(bar)
            gc.collect()

    def measure(self, work: Work) -> list[Result]:
        """Measure one work; the rows of its plans and of the control."""
        found = list(rounds(work, self.setting.device, self.setting.seconds))
        turns = {name: [one[name] for one in found] for name in found[0]}
        first = work.plans[0]
        memory: dict[str, float] = {}
        if work.measures_memory:
            for plan in work.plans:
                run = lambda plan=plan: plan.run(unmarked)  # noqa: E731
                memory[plan.name] = peak_above_idle(run, self.setting.device) / MB
        rows = [self._row(work, plan, first.name, turns, memory) for plan in work.plans]
        if CONTROL in turns:
            rows.append(self._control(work, turns))
        return rows

    def _row(
        self, work: Work, plan: Plan, against: str, turns: dict[str, list[Turn]], memory: dict[str, float]
    ) -> Result:
        ratio = Ratio.of(turns[plan.name], turns[against])
        pace = statistics.median(turn.pace for turn in turns[plan.name])
        flops = work.flops if plan.name != against else work.released_flops or work.flops
        achieved = None if flops is None else pace * flops
        mfu = None if achieved is None else achieved / self._peak(plan.precision)
        peak, share = memory.get(plan.name), None
        if peak is not None and plan.name != against:
            share = peak / max(memory[against], 1e-9)
        # A tiny size says nothing about speed.
        checks = _checks(plan, ratio.median, pace, mfu, share) if self.setting.full else []
        return Result(
            work=work.name,
            plan=plan.name,
            against=against,
            device=self.device_name,
            precision=plan.precision,
            ratio_median=ratio.median,
            ratio_min=ratio.least,
            ratio_max=ratio.greatest,
            rounds=len(turns[plan.name]),
            item=work.item,
            pairs_per_s=pace,
            flops_per_s=achieved,
            mfu=mfu,
            bytes_per_s=None if work.bytes is None else pace * work.bytes,
            peak_mb=peak,
            peak_share=share,
            stages=stages(plan, self.setting.device),
            target=", ".join(what for what, _ in checks),
            met=all(met for _, met in checks) if checks else None,
            note=work.note,
        )

    def _control(self, work: Work, turns: dict[str, list[Turn]]) -> Result:
        plan = work.plans[1]
        ratio = Ratio.of(turns[CONTROL], turns[plan.name])
        return Result(
            work=work.name,
            plan=CONTROL,
            against=plan.name,
            device=self.device_name,
            precision=plan.precision,
            ratio_median=ratio.median,
            ratio_min=ratio.least,
            ratio_max=ratio.greatest,
            rounds=len(turns[CONTROL]),
            item=work.item,
        )

    def _peak(self, precision: str) -> float:
        if precision not in self.peaks:
            self.peaks[precision] = matmul_peak(self.setting.device, precision)
        return self.peaks[precision]


def _checks(
    plan: Plan, ratio: float, pace: float, mfu: float | None, share: float | None
) -> list[tuple[str, bool]]:
    """Return each target in words, and whether it was met."""
    found = []
    if plan.target is not None:
        found.append((f">= {plan.target:g}x", ratio >= plan.target))
    if plan.least_items_per_s is not None:
        found.append((f">= {plan.least_items_per_s:,g}/s", pace >= plan.least_items_per_s))
    if plan.least_mfu is not None and mfu is not None:
        found.append((f"MFU >= {plan.least_mfu:.0%}", mfu >= plan.least_mfu))
    if plan.most_memory is not None and share is not None:
        found.append((f"memory <= {plan.most_memory:g}", share <= plan.most_memory))
    return found
