"""What a column's differences amount to: one plain line for each group of tasks."""

from dataclasses import dataclass, replace

from fashionvl.reporting.study.estimates import SeedScores, cleared, common_seeds
from fashionvl.reporting.study.formatting import signed, signed_span
from fashionvl.reporting.study.measured import Measured, compare_with
from fashionvl.reporting.study.records import Cell, Difference
from fashionvl.reporting.study.samples import Sample
from fashionvl.reporting.sums import CAPTION_MEANS

NOT_MEASURED = "not measured"
NOT_COMPARABLE = "not comparable: its runs hide other pixels than the reference's"

NAMES = {
    "retrieval": (("SumR", 1, ""),),
    "recognition": (("M-CR accuracy", 2, " points"), ("S-CR accuracy", 2, " points")),
    "generation": (("PSNR of hidden pixels", 2, " dB"),),
    "captioning": (("ROUGE-L", 1, ""), ("CIDEr", 1, "")),
}
"""The numbers each group is judged by: name, digits, unit. SumR here is TIR's and ITR's together."""

RESTS_ON = {
    "retrieval": ("tir", "itr"),
    "recognition": ("m_cr", "s_cr"),
    "generation": ("mig",),
    "captioning": ("captioning",),
}
"""The protocols of each group."""


@dataclass(frozen=True)
class Judged:
    """One number of one column that a verdict rests on.

    Attributes:
        difference: to the reference; None where there is none.
        seeds: that both columns have.
        behind: what was compared, in words: `300 queries a side`.
        comparable: False where both columns were measured, but not on the same task.
    """

    difference: Difference | None
    seeds: int
    behind: str
    comparable: bool = True


def verdict(group: str, judged: list[Judged]) -> str:
    """A line that starts with `better`, `worse`, `no difference seen`, `not measured` or `not comparable`.

    Args:
        group: of `NAMES`.
        judged: one for each number of the group.
    """
    said: dict[str, list[str]] = {}
    for one, (name, digits, unit) in zip(judged, NAMES[group], strict=True):
        if one.difference is None:
            continue
        found = f"{signed(one.difference.value, digits)}{unit} {signed_span(one.difference.interval, digits)}"
        named = f"{name} {found}" if one.difference.real or len(judged) > 1 else found
        said.setdefault(_kind(one), []).append(named)
    if not said:
        return NOT_MEASURED if all(one.comparable for one in judged) else NOT_COMPARABLE
    order = sorted(
        said, key=lambda kind: ("better", "worse").index(kind) if kind in ("better", "worse") else 2
    )
    return "; ".join(f"{kind}: {', '.join(said[kind])}" for kind in order) + _caution(judged)


def _kind(one: Judged) -> str:
    if one.difference is None or not one.difference.real:
        luck = one.difference is not None and cleared(one.difference.interval)
        after = " after Holm's correction" if luck else ""
        return f"no difference seen{after} with {one.behind} and {one.seeds} seed{'s' * (one.seeds != 1)}"
    return "better" if one.difference.value > 0 else "worse"


def _caution(judged: list[Judged]) -> str:
    """A single seed shows that two runs differ, not that two settings do."""
    claimed = [one for one in judged if one.difference is not None and one.difference.real]
    return " (one seed: holds for these two runs)" if any(one.seeds == 1 for one in claimed) else ""


def judge(
    reference: str, measured: dict[str, Measured], cells: dict[str, dict[str, Cell]], listed: list[str]
) -> dict[str, dict[str, list[Judged]]]:
    """What each verdict rests on, by column other than the reference, and group of what is listed."""
    # Queries of the two directions are drawn apart, so their sums are resampled apart, too.
    apart = compare_with(measured["retrieval"].metric("total"), reference, measured["retrieval"].comparable)
    found: dict[str, dict[str, list[Judged]]] = {}
    for column, row in cells.items():
        if column == reference:
            continue
        groups = {
            "retrieval": [_retrieval(column, reference, measured, apart)],
            "recognition": [
                _judge(name, "accuracy", column, reference, measured, row) for name in ("m_cr", "s_cr")
            ],
            "generation": [
                replace(
                    _judge("mig", "psnr_masked", column, reference, measured, row),
                    comparable=column in measured["mig"].comparable or column not in measured["mig"].scores,
                )
            ],
            "captioning": [
                _judge("captioning", name, column, reference, measured, row) for name in CAPTION_MEANS
            ],
        }
        found[column] = {
            group: judged
            for group, judged in groups.items()
            if any(name in listed for name in RESTS_ON[group])
        }
    return found


def _retrieval(
    column: str, reference: str, measured: dict[str, Measured], apart: dict[str, Difference]
) -> Judged:
    seeds = _paired(measured["retrieval"].metric("total"), column, reference)
    return Judged(apart.get(column), seeds, _behind(measured["tir"].sample, "queries a side"))


def _judge(
    protocol: str,
    metric: str,
    column: str,
    reference: str,
    measured: dict[str, Measured],
    row: dict[str, Cell],
) -> Judged:
    scores = measured[protocol].metric(metric)
    behind = _behind(measured[protocol].sample, "photographs")
    return Judged(
        row.get(f"{protocol}/{metric}", Cell()).difference, _paired(scores, column, reference), behind
    )


def _paired(scores: dict[str, SeedScores], column: str, reference: str) -> int:
    if column not in scores or reference not in scores:
        return 0
    return len(common_seeds(scores[column], scores[reference]))


def _behind(sample: Sample | None, what: str) -> str:
    if sample is None:
        return what
    products = f" of {sample.clusters:,} products" if sample.clusters else ""
    return f"{sample.n:,} {what}{products}"
