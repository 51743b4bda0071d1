"""Scoring candidate lists."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fashionvl.data.records import PairBatch, Pairs, RetrievalBatch
from fashionvl.models.mvlt import MVLT
from fashionvl.tasks.retrieval import score_candidates

QUERIES, CANDIDATES = 3, 4


@pytest.fixture
def batch(draw_pairs: Callable[..., PairBatch]) -> RetrievalBatch:
    """Three queries over five photographs and six captions."""
    drawn = draw_pairs([1] * 6)
    return RetrievalBatch(
        query_ids=torch.arange(QUERIES),
        positive=torch.tensor([0, 1, 2]),
        pixel_values=drawn.pixel_values[:5],
        input_ids=drawn.input_ids,
        attention_mask=drawn.attention_mask,
        image_of_pair=torch.tensor([[0, 1, 2, 3], [1, 0, 4, 2], [4, 4, 3, 0]]),
        text_of_pair=torch.tensor([[5, 5, 5, 5], [1, 1, 1, 1], [0, 2, 3, 4]]),
    )


@torch.no_grad()
@pytest.mark.parametrize("chunk", [1, 5, 12, 512])
def test_a_cross_encoder_scores_as_pair_by_pair_in_chunks_of_any_size(
    network: MVLT, batch: RetrievalBatch, chunk: int
) -> None:
    network.eval()
    scores = score_candidates(network, batch, chunk)
    assert scores.shape == (QUERIES, CANDIDATES)
    assert scores.dtype == torch.float32
    for query in range(QUERIES):
        for candidate in range(CANDIDATES):
            image = batch.image_of_pair[query, candidate]
            text = batch.text_of_pair[query, candidate]
            pair = Pairs(
                batch.pixel_values[image, None], batch.input_ids[text, None], batch.attention_mask[text, None]
            )
            assert scores[query, candidate].item() == pytest.approx(network.match(pair).item(), abs=1e-5)
    assert scores.unique().numel() > QUERIES


def test_a_forward_takes_no_more_pairs_than_asked(batch: RetrievalBatch) -> None:
    taken: list[int] = []

    class Counting:
        def match(self, pairs: Pairs) -> Tensor:
            taken.append(len(pairs))
            return pairs.pixel_values.mean((1, 2, 3))

    score_candidates(Counting(), batch, 5)
    assert taken == [5, 5, 2]
