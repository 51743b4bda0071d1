"""95 % bootstrap intervals from the arrays that a test left beside its record."""

from fashionvl.evaluation.significance import percentiles
from fashionvl.reporting.metrics import Protocol
from fashionvl.reporting.recomputed import CONFIDENCE, resampled
from fashionvl.reporting.samples import read_sample
from fashionvl.runs.reading import Run

Interval = tuple[float, float]
"""Low and high end, in the unit of the score."""


def intervals(run: Run, protocol: Protocol) -> dict[str, Interval]:
    """Intervals by metric of everything that is recomputed from items.

    Queries are resampled, or products with all their photographs, which are alike; photographs where an older
    test did not keep `product_id`.

    Returns:
        Empty where the run kept no arrays.

    Raises:
        InputError: an array of a metric that every record holds is missing or unusable.
    """
    wanted = [
        metric
        for metric in protocol.metrics
        if not metric.only_where_recorded or f"{protocol.name}/{metric.key}" in run.test
    ]
    sample = read_sample(protocol, wanted, {RUN: run})
    found: dict[str, Interval] = {}
    for scored in sample.scored[RUN] if sample else ():
        draws = resampled(scored)
        found |= {metric: percentiles(values, CONFIDENCE) for metric, values in draws.items()}
    return found


RUN = ("", 0)
"""Stands for column and seed of the only run."""
