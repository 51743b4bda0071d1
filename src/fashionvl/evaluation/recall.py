"""R@k and SumR from hits, the one place where they are computed: for the record and for every report."""

from collections.abc import Sequence

import numpy as np

DEPTHS = (1, 5, 10)
"""The k of R@k, and the depths that SumR adds up (MVLT section 3.3 and the caption of Table 2)."""


def recall_rates(
    hits: np.ndarray,
    queries: np.ndarray | float,
    ks: Sequence[int] = DEPTHS,
    sum_r_of: Sequence[int] = DEPTHS,
) -> dict[str, np.ndarray]:
    """Compute the rates of any number of samples of queries.

    Args:
        hits: `[..., len(ks)]` hits at each depth, summed over the queries of a sample.
        queries: `[...]`, how many those are.
        ks: depths k of R@k.
        sum_r_of: the depths among them that SumR adds up.

    Returns:
        `r{k}` for each depth and `sum_r`, in percent, each `[...]`.
    """
    rates = {f"r{k}": 100 * hits[..., i] / queries for i, k in enumerate(ks)}
    return {**rates, "sum_r": np.sum([rates[f"r{k}"] for k in sum_r_of], axis=0)}
