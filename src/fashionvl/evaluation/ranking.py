"""Retrieval ranks of positives among their candidates, with ties ranked by expectation.

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


def best_positive_counts(
    scores: Tensor, offsets: Tensor, positives: Tensor, query_ids: Tensor | None = None
) -> Tensor:
    """Count what stands above and level with each query's best positive, where a query has several.

    The rank of a query is that of its best positive, as in the evaluation of VSE++ and of COCO captions; its
    other positives take no place.

    Args:
        scores: `[Q, C]`, higher is better.
        offsets: `[Q + 1]` int64; query q has the positives `positives[offsets[q]:offsets[q + 1]]`, at least
            one.
        positives: `[P]` int64, columns of `scores`.
        query_ids: `[Q]`, how to name a query in an error; its row otherwise.

    Returns:
        `[Q, 3]` int64: other candidates above the best positive, other candidates level with it, and
        positives at that level.

    Raises:
        InputError: A score is NaN, or a query has no positive.
    """
    names = torch.arange(len(scores)) if query_ids is None else query_ids
    if bool((invalid := scores.isnan().any(dim=1)).any()):
        raise InputError(f"scores: NaN among the candidates of query {int(names[invalid.nonzero()[0, 0]])}")
    counts = offsets.diff()
    if bool((counts < 1).any()):
        raise InputError(f"positives: query {int(names[(counts < 1).nonzero()[0, 0]])} has none")
    own = torch.zeros(scores.shape, dtype=torch.bool, device=scores.device)
    own[torch.arange(len(scores), device=scores.device).repeat_interleave(counts), positives] = True
    best = scores.masked_fill(~own, -torch.inf).amax(dim=1, keepdim=True)
    above, level = (scores > best) & ~own, scores == best
    return torch.stack([above.sum(1), (level & ~own).sum(1), (level & own).sum(1)], dim=1)


def _single(greater: Tensor, ties: Tensor) -> Tensor:
    """`[Q, 3]` counts of queries with one positive."""
    return torch.stack([greater, ties, torch.ones_like(ties)], dim=1)


def _expected_ranks(counts: Tensor) -> Tensor:
    """Mean place of the first of p positives that are shuffled with n others: `1 + greater + n / (p + 1)`."""
    greater, ties, positives = counts.double().unbind(1)
    return 1 + greater + ties / (positives + 1)


def _hits(counts: Tensor, ks: Sequence[int]) -> Tensor:
    """Chance that one of p positives is in the first k places when they are shuffled with n others.

    One minus the hypergeometric chance that all of the first m = k - greater places go to the others; for
    one positive that is m / (n + 1). The mean over queries is R@k (MVLT Section 3.3).
    """
    greater, ties, positives = (column[:, None] for column in counts.double().unbind(1))
    room = (torch.tensor(ks, device=counts.device) - greater).clamp(min=0)
    missed = torch.ones_like(room)
    for taken in range(int(counts[:, 2].max()) if len(counts) else 0):
        left = ties + positives - taken
        share = ((left - room) / left.clamp(min=1)).clamp(0, 1)
        missed = torch.where(taken < positives, missed * share, missed)
    return torch.where(positives == 1, (room / (ties + 1)).clamp(0, 1), 1 - missed)


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
        super().__init__(width=3, dtype=torch.int64, **settings)
        if min(ks) < 1 or not set(sum_r_of) <= set(ks):
            raise InputError(f"sum_r_of: {list(sum_r_of)} has to be among ks {list(ks)}, all of them >= 1")
        self.ks = tuple(ks)
        self.sum_r_of = tuple(sum_r_of)

    def update(
        self, query_ids: Tensor, scores: Tensor, positive: Tensor, offsets: Tensor | None = None
    ) -> None:
        """Add Q queries; the number of candidates may differ from call to call.

        Args:
            query_ids: `[Q]` int64, >= 0. A query seen twice is counted once.
            scores: `[Q, C]`, higher is better.
            positive: `[Q]` int64, column of the positive; with `offsets` `[P]`, columns of all positives.
            offsets: `[Q + 1]` int64, where the positives of each query start; see `best_positive_counts`.

        Raises:
            InputError: As `tie_counts`, or `best_positive_counts`.
        """
        if offsets is None:
            counts = _single(*tie_counts(scores, positive, query_ids))
        else:
            counts = best_positive_counts(scores, offsets, positive, query_ids)
        self._append(query_ids, counts)

    def compute(self) -> dict[str, float]:
        """Compute rates and mean ranks over all queries of all processes.

        Returns:
            `r{k}` and `sum_r` in percent, `median_rank` and `mean_rank` of the expected ranks, `n` queries.
        """
        _, counts = self._distinct()
        ranks = _expected_ranks(counts)
        hits_at = _hits(counts, self.ks).sum(dim=0).numpy()
        rates = recall_rates(hits_at, len(counts), self.ks, self.sum_r_of)
        return {
            **{name: float(rate) for name, rate in rates.items()},
            "median_rank": float(ranks.quantile(0.5)),
            "mean_rank": float(ranks.mean()),
            "n": len(counts),
        }

    def per_query(self) -> dict[str, np.ndarray]:
        """Return each query's rank and hits, for intervals and paired tests; every process has to call it.

        Returns:
            `query_id` `[N]` int64 ascending, `rank` `[N]` float64 in [1, C], and a `hit@{k}` `[N]` float64 in
            [0, 1] for each k.
        """
        query_ids, counts = self._gather()
        chance = _hits(counts, self.ks).numpy()
        return {
            "query_id": query_ids.numpy(),
            "rank": _expected_ranks(counts).numpy(),
            **{f"hit@{k}": chance[:, column] for column, k in enumerate(self.ks)},
        }
