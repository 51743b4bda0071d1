"""One protocol of several runs, lined up item by item."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fashionvl.errors import InputError
from fashionvl.reporting.metrics import Metric, Protocol
from fashionvl.reporting.recomputed import Scored
from fashionvl.reporting.sums import unit_codes
from fashionvl.runs.reading import Arrays, Run

FILL_TOLERANCE = 1e-3
"""dB by which one photograph's mean fill may differ, as rounding of another machine does."""

Key = tuple[str, int]
"""Column and seed."""


@dataclass(frozen=True)
class Sample:
    """Per-item scores that the metrics of one protocol are recomputed from.

    Attributes:
        scored: by column and seed, of the same units in the same order.
        n: items: queries, photographs or captions.
        clusters: how many products those are of, where products are resampled; None where items are.
        alike: by column and seed the `[N]` values that tell whether two runs had to do the same; empty where
            all had to.
    """

    scored: dict[Key, list[Scored]]
    n: int
    clusters: int | None
    alike: dict[Key, np.ndarray]

    def same_task(self, first: Key, second: Key) -> bool:
        """Return whether two runs had the same task, such as the same pixels to reconstruct."""
        if not self.alike:
            return True
        one, other = self.alike[first], self.alike[second]
        return bool(np.allclose(one, other, rtol=0, atol=FILL_TOLERANCE, equal_nan=True))


def read_sample(protocol: Protocol, metrics: Iterable[Metric], runs: dict[Key, Run]) -> Sample | None:
    """Line up the arrays of one protocol.

    Args:
        protocol: whose arrays.
        metrics: of it; those that are not recomputed from items are left out.
        runs: tested on it; those that kept no arrays are left out.

    Returns:
        None where no run kept any, or no value is finite.

    Raises:
        InputError: two runs were tested on other queries, photographs or labels, or an array is unusable.
    """
    wanted = {metric.recomputed: metric.required for metric in metrics if metric.recomputed}
    if not wanted:
        return None
    # Items of a single run need no names.
    named = (protocol.item_id,) if len(runs) > 1 else ()
    needed = tuple(name for one, must in wanted.items() if must for name in one.needed)
    others = tuple(name for one in wanted for name in one.needed)
    read = {
        key: arrays
        for key, run in runs.items()
        if (arrays := _items(protocol, run, dict.fromkeys((*named, *needed)), others)) is not None
    }
    if not read:
        return None
    first = next(iter(read))
    for key in read:
        _check_same(protocol, read[first], read[key], runs[first].path, runs[key].path)
    n = _length(read[first])
    clustered = all("product_id" in arrays for arrays in read.values())
    codes = unit_codes(read[first]["product_id"] if clustered else None, n)
    scored = {key: list[Scored]() for key in read}
    for recomputed in wanted:
        having = [key for key in read if all(name in read[key] for name in recomputed.needed)]
        found = recomputed.score([read[key] for key in having], codes) if having else []
        for key, one in zip(having if found else (), found, strict=True):
            scored[key].append(one)
    if not any(scored.values()):
        return None
    alike = {key: arrays[protocol.alike] for key, arrays in read.items() if protocol.alike in arrays}
    return Sample(scored, n, int(codes.max()) + 1 if clustered else None, alike)


def _items(protocol: Protocol, run: Run, needed: Iterable[str], others: tuple[str, ...]) -> Arrays | None:
    """Arrays by id, the needed ones and others that are there; None where the run kept none."""
    beside = (protocol.item_id, "product_id", *others, *filter(None, [protocol.alike]))
    arrays = run.arrays(protocol.name, tuple(needed), beside)
    if not arrays or not _length(arrays):
        return None
    first = protocol.item_id if protocol.item_id in arrays else next(iter(arrays))
    length = len(arrays[first])
    for name, values in arrays.items():
        if values.shape != (length,):
            raise InputError(
                f"{run.path / protocol.name}.npz: {name} has shape {list(values.shape)}, {first} [{length}]; "
                "test the stage again"
            )
    if protocol.item_id not in arrays:
        return arrays
    order = np.argsort(arrays[protocol.item_id], kind="stable")
    return {name: values[order] for name, values in arrays.items()}


def _length(arrays: Arrays) -> int:
    return len(next(iter(arrays.values())))


def _check_same(protocol: Protocol, first: Arrays, second: Arrays, path: Path, other: Path) -> None:
    for name in (protocol.item_id, "target", "product_id"):
        if name in first and name in second and not np.array_equal(first[name], second[name]):
            raise InputError(
                f"{path / protocol.name}.npz and {other / protocol.name}.npz: {name} differs; runs of one "
                "table must be tested on the same queries"
            )
