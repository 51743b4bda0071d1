"""Sums of per-item values by the unit that is resampled, and the scores that totals of the sums give."""

import numpy as np


def unit_codes(product_id: np.ndarray | None, n: int) -> np.ndarray:
    """`[N]` int64 unit of each item: its product, or itself where products are unknown."""
    return np.arange(n) if product_id is None else np.unique(product_id, return_inverse=True)[1]


def recognition_sums(
    predicted: np.ndarray, target: np.ndarray, codes: np.ndarray, classes: int
) -> np.ndarray:
    """`[K, 2 * classes + 1]` float32: hits of each class, how often it is true or predicted, photographs.

    Counts are exact in float32 up to 2**24 photographs.

    Args:
        predicted: `[N]` class ids in `0 .. classes - 1`.
        target: `[N]` class ids.
        codes: `[N]` units `0 .. K - 1` of the photographs.
        classes: how many there are.
    """
    units = int(codes.max()) + 1

    def counts(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
        cells = codes[rows] * classes + labels[rows]
        return np.bincount(cells, minlength=units * classes).reshape(units, classes)

    everywhere = np.ones(len(codes), bool)
    hits = counts(predicted == target, target)
    seen = counts(everywhere, target) + counts(everywhere, predicted)
    photographs = np.bincount(codes, minlength=units)[:, None]
    return np.concatenate([hits, seen, photographs], axis=1).astype(np.float32)


def recognition_scores(totals: np.ndarray, whole: np.ndarray) -> dict[str, np.ndarray]:
    """Compute accuracy in percent, macro-F over the classes that occur, in [0, 1], and SumC.

    A resample may lack rare classes, which are rarely recognised: a mean over the others alone would lie
    above the sample's own. A class that a resample lacks counts with its F of the whole sample. Ours.

    Args:
        totals: `[..., 2 * classes + 1]` sums of `recognition_sums` over a resample.
        whole: `[2 * classes + 1]` the same over the whole sample, which says what classes occur.
    """
    classes = len(whole) // 2
    occurs = whole[classes:-1] > 0

    def counts(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        hits, seen = sums[..., :classes][..., occurs], sums[..., classes:-1][..., occurs]
        return hits.astype(np.float64), seen.astype(np.float64)

    hits, seen = counts(totals)
    all_hits, all_seen = counts(whole)
    f = np.where(seen > 0, 2 * hits / np.maximum(seen, 1), 2 * all_hits / all_seen).mean(-1)
    accuracy = 100 * hits.sum(-1) / totals[..., -1]
    return {"accuracy": accuracy, "macro_f": f, "sum_c": accuracy + 100 * f}


def mean_sums(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """`[K, 2]`: sum and number of the finite ones of `[N]` values."""
    finite = np.isfinite(values)
    units = int(codes.max()) + 1
    total = np.bincount(codes[finite], values[finite], minlength=units)
    return np.stack([total, np.bincount(codes[finite], minlength=units)], axis=1)


def weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Median of samples in which each value occurs as often as its weight says.

    Args:
        values: `[N]` finite.
        weights: `[B, N]` integers >= 0, with a positive sum in each row.

    Returns:
        `[B]`; for an even number of values the mean of the middle two, as `numpy.median` has it.
    """
    order = np.argsort(values, kind="stable")
    counts = weights[:, order].cumsum(axis=1)
    n = counts[:, -1:]
    lower, upper = ((counts > place).argmax(axis=1) for place in ((n - 1) // 2, n // 2))
    return (values[order][lower] + values[order][upper]) / 2
