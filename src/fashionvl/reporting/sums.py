"""What a test left item by item, summed by the unit that is resampled; totals of the sums give scores."""

from collections.abc import Callable

import numpy as np

from fashionvl.errors import InputError
from fashionvl.runs.reading import Run

DEPTHS = (1, 5, 10)
"""The k of R@k and the depths that SumR adds up (MVLT section 3.3 and the caption of Table 2)."""

CAPTION_MEANS = ("rouge_l", "cider")
"""Metrics of captions that are means over them; BLEU-4 and METEOR count over all captions at once."""

Score = Callable[[np.ndarray], dict[str, np.ndarray]]
"""Totals `[..., F]` to metrics `[...]` by name."""


def products(run: Run, name: str) -> np.ndarray | None:
    """`product_id [N]` of `{name}.npz`, or None where an older test did not keep it."""
    try:
        found = run.arrays(name, ("product_id",))
    except InputError:
        return None
    return None if found is None else found["product_id"]


def unit_codes(product_id: np.ndarray | None, n: int) -> np.ndarray:
    """`[N]` int64 unit of each photograph: its product, or itself where products are unknown."""
    return np.arange(n) if product_id is None else np.unique(product_id, return_inverse=True)[1]


def retrieval_sums(hits: list[np.ndarray]) -> np.ndarray:
    """`[Q, 4]`: hits at each of `DEPTHS`, from one `[Q]` array each, and 1; a query is its own unit."""
    return np.stack([*hits, np.ones(len(hits[0]))], axis=1)


def retrieval_scores(totals: np.ndarray) -> dict[str, np.ndarray]:
    """R@k and SumR in percent."""
    rates = {f"r{k}": 100 * totals[..., i] / totals[..., -1] for i, k in enumerate(DEPTHS)}
    rates["sum_r"] = np.sum(list(rates.values()), axis=0)
    return rates


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


def recognition_scores(totals: np.ndarray) -> dict[str, np.ndarray]:
    """Accuracy in percent, macro-F over the classes that occur, in [0, 1], and SumC."""
    classes = totals.shape[-1] // 2
    hits, seen = totals[..., :classes].astype(np.float64), totals[..., classes:-1].astype(np.float64)
    f = (2 * hits / np.maximum(seen, 1)).sum(-1) / (seen > 0).sum(-1)
    accuracy = 100 * hits.sum(-1) / totals[..., -1]
    return {"accuracy": accuracy, "macro_f": f, "sum_c": accuracy + 100 * f}


def mean_sums(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """`[K, 2]`: sum and number of the finite ones of `[N]` values."""
    finite = np.isfinite(values)
    units = int(codes.max()) + 1
    total = np.bincount(codes[finite], values[finite], minlength=units)
    return np.stack([total, np.bincount(codes[finite], minlength=units)], axis=1)


def mean_scores(metric: str) -> Score:
    """Of a mean over photographs, which is the metric itself."""
    return lambda totals: {metric: totals[..., 0] / totals[..., 1]}
