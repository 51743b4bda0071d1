"""One protocol of all columns and seeds of a study, lined up query by query."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fashionvl.errors import InputError
from fashionvl.reporting.sums import (
    CAPTION_MEANS,
    DEPTHS,
    Score,
    mean_scores,
    mean_sums,
    products,
    recognition_scores,
    recognition_sums,
    retrieval_scores,
    retrieval_sums,
    unit_codes,
)
from fashionvl.runs.reading import Arrays, Run

HITS = tuple(f"hit@{k}" for k in DEPTHS)

NEEDED = {
    "tir": ("query_id", *HITS),
    "itr": ("query_id", *HITS),
    "m_cr": ("id", "predicted", "target"),
    "s_cr": ("id", "predicted", "target"),
    "mig": ("id", "psnr_masked", "psnr_masked_mean_fill"),
    "captioning": ("id", *CAPTION_MEANS),
}
"""Arrays of `PROTOCOL.npz`; the first identifies the query or photograph."""

FILL_TOLERANCE = 1e-3
"""dB by which one photograph's mean fill may differ, as rounding of another machine does."""

ByRun = dict[tuple[str, int], Run]
"""Runs by column and seed."""


@dataclass(frozen=True)
class Sample:
    """What the scores of one protocol are computed from.

    Attributes:
        sums: `[K, F]` float by column and seed, of the same K units in the same order.
        score: from totals of them.
        n: queries or photographs.
        clusters: K where the units are products; None where each query or photograph is its own.
        hidden: mean-fill PSNR `[N]` by column and seed, which tells whether two runs hid the same pixels;
            empty where nothing is hidden.
    """

    sums: dict[tuple[str, int], np.ndarray]
    score: Score
    n: int
    clusters: int | None
    hidden: dict[tuple[str, int], np.ndarray]

    def same_task(self, first: tuple[str, int], second: tuple[str, int]) -> bool:
        """Whether two runs had to do the same: to reconstruct the same pixels of the same photographs."""
        if not self.hidden:
            return True
        one, other = self.hidden[first], self.hidden[second]
        return bool(np.allclose(one, other, rtol=0, atol=FILL_TOLERANCE, equal_nan=True))


def read_sample(protocol: str, runs: ByRun) -> Sample | None:
    """Line up the arrays of one protocol.

    Args:
        protocol: one of `NEEDED`.
        runs: tested on it; those that kept no arrays are left out.

    Returns:
        None where none kept any, or no value is finite.

    Raises:
        InputError: two runs were tested on other queries, photographs or labels, or an array is unusable.
    """
    read = {key: found for key, run in runs.items() if (found := _sorted(protocol, run)) is not None}
    if not read:
        return None
    first = next(iter(read))
    for key in read:
        _check_same(protocol, read[first], read[key], runs[first].path, runs[key].path)
    n = len(read[first][NEEDED[protocol][0]])
    clustered = all("product_id" in arrays for arrays in read.values())
    codes = unit_codes(read[first]["product_id"] if clustered else None, n)
    sums, score = _sums(protocol, read, codes)
    if not sums:
        return None
    hidden = {key: arrays["psnr_masked_mean_fill"] for key, arrays in read.items() if protocol == "mig"}
    return Sample(sums, score, n, int(codes.max()) + 1 if clustered else None, hidden)


def _sorted(protocol: str, run: Run) -> Arrays | None:
    """By id, the products beside them where they are known."""
    needed = NEEDED[protocol]
    arrays = run.arrays(protocol, needed)
    if arrays is None or not len(arrays[needed[0]]):
        return None
    product_id = products(run, protocol)
    if product_id is not None:
        arrays = {**arrays, "product_id": product_id}
    length = len(arrays[needed[0]])
    for name, values in arrays.items():
        if values.shape != (length,):
            raise InputError(
                f"{run.path / protocol}.npz: {name} has shape {list(values.shape)}, {needed[0]} [{length}]; "
                "test the stage again"
            )
    order = np.argsort(arrays[needed[0]], kind="stable")
    return {name: values[order] for name, values in arrays.items()}


def _check_same(protocol: str, first: Arrays, second: Arrays, path: Path, other: Path) -> None:
    for name in (NEEDED[protocol][0], "target", "product_id"):
        if name in first and name in second and not np.array_equal(first[name], second[name]):
            raise InputError(
                f"{path / protocol}.npz and {other / protocol}.npz: {name} differs; runs of one table must "
                "be tested on the same queries"
            )


def _sums(
    protocol: str, read: dict[tuple[str, int], Arrays], codes: np.ndarray
) -> tuple[dict[tuple[str, int], np.ndarray], Score]:
    if protocol in ("tir", "itr"):
        sums = {key: retrieval_sums([arrays[hit] for hit in HITS]) for key, arrays in read.items()}
        return sums, retrieval_scores
    if protocol == "mig":
        sums = {key: mean_sums(arrays["psnr_masked"], codes) for key, arrays in read.items()}
        # A product without a hidden pixel in some run can not be compared there.
        kept = np.all([values[:, 1] > 0 for values in sums.values()], axis=0)
        sums = {key: values[kept] for key, values in sums.items()} if kept.any() else {}
        return sums, mean_scores("psnr_masked")
    if protocol == "captioning":
        return {key: _caption_sums(arrays, codes) for key, arrays in read.items()}, _caption_scores
    labels = [arrays[name] for arrays in read.values() for name in ("predicted", "target")]
    occurring, codes_of = np.unique(np.concatenate(labels), return_inverse=True)
    # Classes numbered without gaps: those that never occur would only widen the sums.
    numbered = iter(np.split(codes_of, len(labels)))
    return {key: recognition_sums(next(numbered), next(numbered), codes, len(occurring)) for key in read}, (
        recognition_scores
    )


def _caption_sums(arrays: Arrays, codes: np.ndarray) -> np.ndarray:
    """`[K, 2 * M]`: sum and number of each of `CAPTION_MEANS`."""
    return np.concatenate([mean_sums(arrays[metric], codes) for metric in CAPTION_MEANS], axis=1)


def _caption_scores(totals: np.ndarray) -> dict[str, np.ndarray]:
    return {metric: totals[..., 2 * i] / totals[..., 2 * i + 1] for i, metric in enumerate(CAPTION_MEANS)}
