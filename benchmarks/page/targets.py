"""Targets parsed from a result's text, and whether each was met."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.page.numbers import TIMES, ratio, share, significant
from benchmarks.record import Result

RATIO = r">= ([\d.,e+]+)x"
PACE = r">= ([\d.,e+]+)/s"
MFU = r"MFU >= (\d+)%"
MEMORY = r"memory <= ([\d.,e+]+)"


@dataclass(frozen=True)
class Target:
    """One target of one plan.

    Attributes:
        words: as the page shows it.
        met: whether it was.
        measured: what was found, as the page shows it; empty where the words say nothing known.
        least_ratio: where it is a ratio to the yardstick, else None.
    """

    words: str
    met: bool
    measured: str = ""
    least_ratio: float | None = None


def targets(row: Result) -> list[Target]:
    """The aims of a plan, in order; none without one."""
    return [_target(row, words) for words in row.target.split(", ") if words]


def _target(row: Result, words: str) -> Target:
    for pattern, read in _KINDS.items():
        if found := re.fullmatch(pattern, words):
            return read(row, float(found[1].replace(",", "")))
    return Target(words, bool(row.met))


def _ratio(row: Result, aim: float) -> Target:
    return Target(f"≥ {aim:g}{TIMES}", row.ratio_median >= aim, ratio(row.ratio_median), aim)


def _pace(row: Result, aim: float) -> Target:
    found = row.pairs_per_s or 0.0
    return Target(f"≥ {aim:,g} {row.item}s/s", found >= aim, f"{significant(found)}/s")


def _mfu(row: Result, aim: float) -> Target:
    found = row.mfu or 0.0
    return Target(f"MFU ≥ {aim:g} %", found >= aim / 100, share(found))


def _memory(row: Result, aim: float) -> Target:
    found = row.peak_share
    # The target is only written down where the share was measured.
    return Target(f"memory ≤ {aim:g}{TIMES}", found is not None and found <= aim, f"{found or 0:.2f}{TIMES}")


_KINDS: dict[str, Callable[[Result, float], Target]] = {
    RATIO: _ratio,
    PACE: _pace,
    MFU: _mfu,
    MEMORY: _memory,
}
