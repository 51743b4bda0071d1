"""A tiny MVLT for unit tests: 64 px, a pyramid of 16 to 32 channels, 8 tokens."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from fashionvl.models.mvlt import MVLT

TINY: dict[str, Any] = {
    "image_size": 64,
    "embed_dims": [16, 16, 24, 32],
    "depths": [1, 2, 1, 1],
    "num_heads": [1, 2, 3, 4],
    "mlp_ratios": [2, 2, 2, 2],
    "sr_ratios": [4, 2, 1, 1],
    "vocab_size": 50,
    "max_tokens": 8,
    "text_width": 24,
    "text_positions": 12,
    "decoder_width": 8,
    "categories": 5,
    "subcategories": 7,
}


@pytest.fixture
def build() -> Callable[..., MVLT]:
    def build_tiny(**arguments: Any) -> MVLT:
        torch.manual_seed(0)
        return MVLT(**(TINY | arguments)).eval()

    return build_tiny
