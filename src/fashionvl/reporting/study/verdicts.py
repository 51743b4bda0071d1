"""Verdicts on a column's differences: one plain line for each group of tasks."""

import math
from dataclasses import dataclass

from fashionvl.reporting import metrics
from fashionvl.reporting.metrics import Protocol
from fashionvl.reporting.study.estimates import SeedScores, cleared, common_seeds
from fashionvl.reporting.study.formatting import difference_unit, number, signed, signed_span
from fashionvl.reporting.study.measured import Measured
from fashionvl.reporting.study.records import Bound, Difference, Mark, Verdict

NOT_MEASURED = Verdict("not measured", "not measured")
NOT_COMPARABLE = Verdict("not comparable", "not comparable: its runs hide other pixels than the reference's")
FIRST: tuple[Mark, ...] = ("better", "worse", "same")
"""In the order told."""


@dataclass(frozen=True)
class Judged:
    """One number of one column that a verdict rests on.

    Attributes:
        name: as the verdict calls it.
        digits: after the point.
        unit: of a difference, in words; empty where it has none.
        difference: to the reference; None where there is none.
        seeds: that both columns have.
        behind: what was compared, in words: `300 queries a side`.
        possible: the largest difference that the metric can have.
        comparable: False where both columns were measured, but not on the same task.
    """

    name: str
    digits: int
    unit: str
    difference: Difference | None
    seeds: int
    behind: str
    possible: float = math.inf
    comparable: bool = True


def verdict(judged: list[Judged]) -> Verdict:
    """Sum up what one group of tasks shows.

    Args:
        judged: one for each number of the group.
    """
    told: dict[tuple[Mark, str], list[Judged]] = {}
    for one in judged:
        if one.difference is not None:
            told.setdefault((one.difference.mark, _about(one)), []).append(one)
    if not told:
        return NOT_MEASURED if all(one.comparable for one in judged) else NOT_COMPARABLE
    in_order = sorted(told, key=lambda key: FIRST.index(key[0]))
    text = "; ".join(
        f"{_words(told[key])}: {', '.join(_number(one, len(judged)) for one in told[key])}"
        for key in in_order
    )
    excluded = [bound for (mark, _), found in told.items() if mark == "same" for bound in bounds(found)]
    marks = {mark for mark, _ in told} - {"same"}
    kind = "mixed" if len(marks) > 1 else marks.pop() if marks else "same"
    return Verdict(kind, text + _caution(judged), excluded)


def _number(one: Judged, of: int) -> str:
    """A difference with its interval, named where it has to be told from others."""
    if one.difference is None:
        return ""
    unit = f" {one.unit}" if one.unit else ""
    found = f"{signed(one.difference.value, one.digits)}{unit} "
    found += signed_span(one.difference.interval, one.digits)
    return f"{one.name} {found}" if one.difference.real or of > 1 else found


def _about(one: Judged) -> str:
    """Data and seeds behind a number in which no difference was seen; equal ones share a phrase."""
    if one.difference is None or one.difference.mark != "same":
        return ""
    return f"{_after(one)}{one.behind} {one.seeds}"


def _words(told: list[Judged]) -> str:
    """`better`, `worse`, or that no difference was seen, with what is excluded."""
    one = told[0]
    if one.difference is not None and one.difference.mark != "same":
        return one.difference.mark
    runs = " between these two runs" if one.seeds == 1 else ""
    return (
        f"no difference seen{_after(one)} ({excluded_words(bounds(told), runs)}; {one.behind}, "
        f"{one.seeds} seed{'s' * (one.seeds != 1)})"
    )


def _after(one: Judged) -> str:
    is_luck = one.difference is not None and cleared(one.difference.interval)
    return " after Holm's correction" if is_luck else ""


def _caution(judged: list[Judged]) -> str:
    """A single seed shows that two runs differ, not that two settings do."""
    claimed = [one for one in judged if one.difference is not None and one.difference.real]
    return " (one seed: holds for these two runs)" if any(one.seeds == 1 for one in claimed) else ""


def bounds(judged: list[Judged]) -> list[Bound]:
    """The larger end of each difference's interval: what lies beyond it, to either side, is excluded."""
    return [
        Bound(one.name, max(map(abs, one.difference.interval)), one.possible, one.unit, one.digits)
        for one in judged
        if one.difference is not None
    ]


def excluded_words(excluded: list[Bound], runs: str = "") -> str:
    """`a difference of more than 12.3 SumR is excluded`; of each metric, the largest of several bounds.

    Args:
        excluded: bounds of one or more metrics.
        runs: put before `is excluded`.
    """
    largest: dict[str, Bound] = {}
    for bound in sorted(excluded, key=lambda bound: bound.value):
        largest[bound.name] = bound
    named = {bound.name: largest[bound.name] for bound in excluded}
    known = [_bound(bound) for bound in named.values() if bound.value < bound.possible]
    none = [name for name, bound in named.items() if bound.value >= bound.possible]
    if not known:
        return f"no possible difference{runs} is excluded"
    said = f"a difference of more than {' or '.join(known)}{runs} is excluded"
    return f"{said}, none of {' or '.join(none)}" if none else said


def _bound(bound: Bound) -> str:
    of = f"{bound.unit} of " if bound.unit else ""
    return f"{number(bound.value, bound.digits)} {of}{bound.name}"


def judge(
    reference: str, measured: dict[str, Measured], listed: set[str], columns: list[str]
) -> dict[str, dict[str, list[Judged]]]:
    """Collect the differences that each verdict rests on.

    Args:
        reference: the column compared with.
        measured: every protocol.
        listed: names of the protocols in the study's table.
        columns: of the study.

    Returns:
        By column other than the reference, and group of tasks of what is listed.
    """
    found: dict[str, dict[str, list[Judged]]] = {one: {} for one in columns if one != reference}
    for group, rests_on in metrics.groups().items():
        names = {name for protocol, _ in rests_on for name in (protocol.name, *protocol.total_of)}
        if not names & listed:
            continue
        is_one_task = len({protocol.name for protocol, _ in rests_on}) == 1
        for protocol, metric in rests_on:
            apart = measured[protocol.name].differences(metric, reference)
            name = metric.name if is_one_task else f"{protocol.task} {metric.name}"
            for column, by_group in found.items():
                by_group.setdefault(group, []).append(
                    Judged(
                        name,
                        metric.digits,
                        difference_unit(metric.unit),
                        apart.get(column),
                        _paired(measured[protocol.name].metric(metric.key), column, reference),
                        _behind(protocol, measured),
                        metric.range,
                        _is_comparable(measured[protocol.name], column),
                    )
                )
    return found


def _paired(scores: dict[str, SeedScores], column: str, reference: str) -> int:
    if column not in scores or reference not in scores:
        return 0
    return len(common_seeds(scores[column], scores[reference]))


def _is_comparable(measured: Measured, column: str) -> bool:
    """Return whether a measured column had the same task as the reference; true where it was not measured."""
    if measured.sample is None or all(column != name for name, _ in measured.sample.scored):
        return True
    return column in measured.comparable


def _behind(protocol: Protocol, measured: dict[str, Measured]) -> str:
    """Name the items compared, in words; a total is of as many queries a side."""
    what = f"{protocol.items} a side" if protocol.total_of else protocol.items
    sample = measured[protocol.total_of[0] if protocol.total_of else protocol.name].sample
    if sample is None:
        return what
    products = f" of {sample.clusters:,} products" if sample.clusters else ""
    return f"{sample.n:,} {what}{products}"
