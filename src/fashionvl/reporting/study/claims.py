"""The papers' own differences, with the intervals they were printed without."""

import math

from fashionvl.reporting import metrics
from fashionvl.reporting.metrics import Metric, Protocol
from fashionvl.reporting.papers import paper_table
from fashionvl.reporting.study.estimates import cleared
from fashionvl.reporting.study.records import Claim, Interval, mark
from fashionvl.studies import Study

Z = 1.959964
"""97.5 % point of the normal."""

QUERIES = 1_000
"""A side: the released MVLT evaluation divides by a literal 1000; neither paper gives a number."""

PHOTOGRAPHS = 32_528
"""Rows of Fashion-Gen's public validation file; the paper says 35,528: its intervals would differ by 4 %."""

ANSWERS = {"queries": QUERIES, "photographs": PHOTOGRAPHS}
"""Number of answers that a printed share is taken over, by kind of test item."""

ASSUMPTIONS = (
    (
        f"The papers' differences are tested as those of two independent samples of {QUERIES:,} queries a "
        "side, the number MVLT's released evaluation divides by (neither paper gives one), with Newcombe's "
        "hybrid score interval."
    ),
    (
        "What each system answered to each query was not published. Both answered the same queries: the more "
        "alike they answered, the more too wide these intervals are."
    ),
    (
        f"The papers' recognition is taken over {PHOTOGRAPHS:,} photographs, the public validation file, as "
        "if all were independent; a product has several photographs, so those intervals are too narrow."
    ),
    "None of them knows what another training seed would have given: the papers print one run a column.",
)
"""Assumptions behind the claims' intervals."""


def claims(study: Study) -> list[Claim]:
    """Each column of the study's paper table against its reference; none for a study of no paper."""
    if study.paper is None:
        return []
    table = paper_table(study.paper)
    printed = {column.id: table.get(study.printed(column.id), {}) for column in study.columns}
    reference = printed[study.reference.id]
    return [
        _claim(study.name, column.id, protocol, metric, printed[column.id][key], reference[key])
        for column in study.columns
        if column.id != study.reference.id
        for protocol in metrics.PROTOCOLS
        for metric in protocol.metrics
        if metric.share and protocol.items in ANSWERS
        for key in [f"{protocol.name}/{metric.key}"]
        if key in printed[column.id] and key in reference
    ]


def _claim(
    study: str, column: str, protocol: Protocol, metric: Metric, value: float, reference: float
) -> Claim:
    n = ANSWERS[protocol.items]
    interval = difference_interval(value / 100, reference / 100, n)
    low, high = 100 * interval[0], 100 * interval[1]
    apart = round(value - reference, 6)
    return Claim(
        study, column, f"{protocol.task} {metric.name}", apart, (low, high), n, cleared((low, high)),
        mark(apart, cleared((low, high)), metric.lower_is_better),
    )  # fmt: skip


def difference_interval(first: float, second: float, n: int) -> Interval:
    """95 % interval of the difference of two shares of n independent answers each.

    Newcombe's hybrid score interval (1998, Statistics in Medicine 17, 873-890, method 10), which stays right
    near 0 and 1, where M-CR lies.

    Args:
        first: in [0, 1].
        second: in [0, 1].
        n: answers behind each.

    Returns:
        Of `first - second`.
    """
    (low, high), (other_low, other_high) = wilson(first, n), wilson(second, n)
    apart = first - second
    return (
        apart - math.hypot(first - low, other_high - second),
        apart + math.hypot(high - first, second - other_low),
    )


def wilson(share: float, n: int) -> Interval:
    """95 % score interval of a share of n answers (Wilson 1927)."""
    middle = share + Z**2 / (2 * n)
    margin = Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return (middle - margin) / (1 + Z**2 / n), (middle + margin) / (1 + Z**2 / n)
