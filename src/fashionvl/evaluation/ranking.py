"""Retrieval: where each query's positive lands among its candidates, honest about ties.

A sort with the positive in first place, as in the released evaluation, gives a constant scorer 100 %. Here
tied candidates count as shuffled: ranks and hits are expectations over the orderings of the ties, and a
constant scorer gets chance.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fashionvl.errors import InputError
from fashionvl.evaluation.recall import DEPTHS, recall_rates
from fashionvl.evaluation.rows import RowMetric

DEFAULT_KS = DEPTHS


def tie_counts(scores: Tensor, positive: Tensor, query_ids: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Count, for each query, the candidates above its positive and those level with it.

    Args:
        scores: `[Q, C]`, higher is better.
        positive: `[Q]` int64, column of the positive, in `0 .. C - 1`.
        query_ids: `[Q]`, how to name a query in an error; its row otherwise.

    Returns:
        Candidates with a strictly higher score, and other candidates with the same score: each `[Q]` int64.

    Raises:
        InputError: If a score is NaN, a positive is no column of `scores`, or the shapes do not fit.
    """
    if scores.ndim != 2 or positive.shape != scores.shape[:1]:
        raise InputError(
            f"scores: {list(scores.shape)} does not fit positive: {list(positive.shape)}; use [Q, C] and [Q]"
        )
    names = torch.arange(len(scores)) if query_ids is None else query_ids
    invalid = scores.isnan().any(dim=1)
    if invalid.any():
        raise InputError(f"scores: NaN among the candidates of query {int(names[invalid.nonzero()[0, 0]])}")
    outside = (positive < 0) | (positive >= scores.shape[1])
    if outside.any():
        row = int(outside.nonzero()[0, 0])
        raise InputError(
            f"positive: {int(positive[row])} of query {int(names[row])} is outside 0 .. {scores.shape[1] - 1}"
        )
    own = scores.gather(1, positive[:, None])
    return (scores > own).sum(dim=1), (scores == own).sum(dim=1) - 1


def expected_ranks(scores: Tensor, positive: Tensor) -> Tensor:
    """Rank of the positive, averaged over the orderings of its ties: `1 + greater + ties / 2`.

    Args:
        scores: `[Q, C]`, higher is better.
        positive: `[Q]` int64, column of the positive.

    Returns:
        `[Q]` float64, in [1, C].

    Raises:
        InputError: As `tie_counts`.
    """
    return _expected_ranks(*tie_counts(scores, positive))


def hits(scores: Tensor, positive: Tensor, ks: Sequence[int] = DEFAULT_KS) -> Tensor:
    """Chance that the positive is among the top k when ties are ordered at random.

    With g candidates above and t level, the positive is uniform over ranks g + 1 .. g + t + 1, so the chance
    is `(k - g) / (t + 1)`, clipped to [0, 1]. The mean over queries is R@k (MVLT Section 3.3).

    Args:
        scores: `[Q, C]`, higher is better.
        positive: `[Q]` int64, column of the positive.
        ks: Depths, each at least 1.

    Returns:
        `[Q, len(ks)]` float64, in [0, 1]; 0 or 1 where nothing ties with the positive.

    Raises:
        InputError: As `tie_counts`.
    """
    return _hits(*tie_counts(scores, positive), ks)


def _expected_ranks(greater: Tensor, ties: Tensor) -> Tensor:
    return 1 + greater.double() + ties.double() / 2


def _hits(greater: Tensor, ties: Tensor, ks: Sequence[int]) -> Tensor:
    room = torch.tensor(ks, device=greater.device) - greater[:, None]
    return (room.double() / (ties[:, None] + 1).double()).clamp(0, 1)


class RetrievalRanks(RowMetric):
    """R@k and SumR over queries, each with its own candidates, ties ranked by expectation.

    Args:
        ks: Depths k of R@k.
        sum_r_of: The depths SumR adds up. The caption of Table 2 has all of 1, 5 and 10 in the English MVLT
            paper, 5 and 10 only in the Chinese edition.
        settings: Passed on to `torchmetrics.Metric`.

    Raises:
        InputError: If `sum_r_of` names a depth that `ks` lacks, or a depth is below 1.
    """

    def __init__(
        self, ks: Sequence[int] = DEFAULT_KS, sum_r_of: Sequence[int] = DEFAULT_KS, **settings: Any
    ) -> None:
        super().__init__(width=2, dtype=torch.int64, **settings)
        if min(ks) < 1 or not set(sum_r_of) <= set(ks):
            raise InputError(f"sum_r_of: {list(sum_r_of)} has to be among ks {list(ks)}, all of them >= 1")
        self.ks = tuple(ks)
        self.sum_r_of = tuple(sum_r_of)

    def update(self, query_ids: Tensor, scores: Tensor, positive: Tensor) -> None:
        """Add Q queries; the number of candidates may differ from call to call.

        Args:
            query_ids: `[Q]` int64, >= 0. A query seen twice is counted once.
            scores: `[Q, C]`, higher is better.
            positive: `[Q]` int64, column of the positive.

        Raises:
            InputError: As `tie_counts`.
        """
        self._append(query_ids, torch.stack(tie_counts(scores, positive, query_ids), dim=1))

    def compute(self) -> dict[str, float]:
        """Rates over all queries of all processes.

        Returns:
            `r{k}` and `sum_r` in percent, `n` queries.
        """
        _, counts = self._distinct()
        hits_at = _hits(counts[:, 0], counts[:, 1], self.ks).sum(dim=0)
        rates = recall_rates(hits_at.cpu().numpy(), len(counts), self.ks, self.sum_r_of)
        return {**{name: float(rate) for name, rate in rates.items()}, "n": len(counts)}

    def per_query(self) -> dict[str, np.ndarray]:
        """What stands behind the rates, for intervals and paired tests; every process has to call it.

        Returns:
            `query_id` `[N]` int64 ascending, `rank` `[N]` float64 in [1, C], and a `hit@{k}` `[N]` float64 in
            [0, 1] for each k.
        """
        query_ids, counts = self._gather()
        chance = _hits(counts[:, 0], counts[:, 1], self.ks).numpy()
        return {
            "query_id": query_ids.numpy(),
            "rank": _expected_ranks(counts[:, 0], counts[:, 1]).numpy(),
            **{f"hit@{k}": chance[:, column] for column, k in enumerate(self.ks)},
        }
