"""Verdicts on a column's differences: one plain line for each group of tasks."""

from dataclasses import dataclass

from fashionvl.reporting import metrics
from fashionvl.reporting.metrics import Protocol
from fashionvl.reporting.study.estimates import SeedScores, cleared, common_seeds
from fashionvl.reporting.study.formatting import signed, signed_span
from fashionvl.reporting.study.measured import Measured
from fashionvl.reporting.study.records import Difference, Mark, Verdict

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
        unit: of a difference, in words, with the space before it.
        difference: to the reference; None where there is none.
        seeds: that both columns have.
        behind: what was compared, in words: `300 queries a side`.
        comparable: False where both columns were measured, but not on the same task.
    """

    name: str
    digits: int
    unit: str
    difference: Difference | None
    seeds: int
    behind: str
    comparable: bool = True


def verdict(judged: list[Judged]) -> Verdict:
    """Sum up what one group of tasks shows.

    Args:
        judged: one for each number of the group.
    """
    said: dict[tuple[Mark, str], list[str]] = {}
    for one in judged:
        if one.difference is None:
            continue
        value, interval = one.difference.value, one.difference.interval
        found = f"{signed(value, one.digits)}{one.unit} {signed_span(interval, one.digits)}"
        named = f"{one.name} {found}" if one.difference.real or len(judged) > 1 else found
        said.setdefault((one.difference.mark, _words(one)), []).append(named)
    if not said:
        return NOT_MEASURED if all(one.comparable for one in judged) else NOT_COMPARABLE
    in_order = sorted(said, key=lambda key: FIRST.index(key[0]))
    text = "; ".join(f"{key[1]}: {', '.join(said[key])}" for key in in_order)
    marks = {mark for mark, _ in said} - {"same"}
    if len(marks) > 1:
        return Verdict("mixed", text + _caution(judged))
    return Verdict(marks.pop() if marks else "same", text + _caution(judged))


def _words(one: Judged) -> str:
    if one.difference is None or one.difference.mark == "same":
        luck = one.difference is not None and cleared(one.difference.interval)
        after = " after Holm's correction" if luck else ""
        return f"no difference seen{after} with {one.behind} and {one.seeds} seed{'s' * (one.seeds != 1)}"
    return one.difference.mark


def _caution(judged: list[Judged]) -> str:
    """A single seed shows that two runs differ, not that two settings do."""
    claimed = [one for one in judged if one.difference is not None and one.difference.real]
    return " (one seed: holds for these two runs)" if any(one.seeds == 1 for one in claimed) else ""


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
                        UNITS.get(metric.unit, f" {metric.unit}".rstrip()),
                        apart.get(column),
                        _paired(measured[protocol.name].metric(metric.key), column, reference),
                        _behind(protocol, measured),
                        _is_comparable(measured[protocol.name], column),
                    )
                )
    return found


UNITS = {"%": " points"}
"""Units of differences, where they are not the metric's own."""


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
