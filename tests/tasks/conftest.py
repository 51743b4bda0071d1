"""A tiny MVLT and batches of random pairs for it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from fashionvl.data.records import PairBatch
from fashionvl.models.mvlt import MVLT

TINY: dict[str, Any] = {
    "image_size": 64,
    "embed_dims": [8, 8, 16, 16],
    "depths": [1, 1, 1, 1],
    "num_heads": [1, 1, 2, 2],
    "mlp_ratios": [2, 2, 2, 2],
    "sr_ratios": [4, 2, 1, 1],
    "drop_path": 0.0,
    "vocab_size": 40,
    "max_tokens": 6,
    "text_width": 16,
    "text_positions": 6,
    "text_dropout": 0.0,
    "decoder_width": 8,
    "categories": 5,
    "subcategories": 7,
}


@pytest.fixture
def network() -> MVLT:
    torch.manual_seed(0)
    return MVLT(**TINY)


@pytest.fixture
def draw_pairs() -> Callable[..., PairBatch]:
    """B pairs with two masked tokens and half the pixels hidden; the given labels say which are matched."""

    def draw(matched: list[int], seed: int = 0) -> PairBatch:
        rng = torch.Generator().manual_seed(seed)
        size = len(matched)
        ids = torch.randint(5, 40, (size, 6), generator=rng)
        ids[:, 0] = 2
        labels = torch.full((size, 6), -100)
        labels[:, 2:4] = ids[:, 2:4]
        ids[:, 2:4] = 4
        hidden = torch.rand(size, 1, 16, 16, generator=rng) < 0.5
        return PairBatch(
            pixel_values=torch.rand(size, 3, 64, 64, generator=rng),
            input_ids=ids,
            attention_mask=torch.ones(size, 6, dtype=torch.int64),
            image_mask=hidden.repeat_interleave(4, 2).repeat_interleave(4, 3),
            mlm_labels=labels,
            itm_labels=torch.tensor(matched),
            category=torch.arange(size) % 5,
            subcategory=torch.arange(size) % 7,
            product_id=torch.arange(size) + 100,
            rows=torch.arange(size) + 1000,
        )

    return draw
