"""A tiny Kaleido-BERT and pairs for it: 55 patches of 6 numbers, 8 tokens, width 16."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from fashionvl.data.records import Pairs, Patches
from fashionvl.models.kaleido_bert import KaleidoBERT
from fashionvl.patches.grid import KaleidoGrid

TINY: dict[str, Any] = {
    "vocab_size": 50,
    "hidden_size": 16,
    "layers": 2,
    "heads": 2,
    "intermediate_size": 24,
    "text_positions": 12,
    "patch_width": 6,
    "categories": 5,
    "subcategories": 7,
    "initializer_range": 0.3,
}


@pytest.fixture
def build_kaleido() -> Callable[..., KaleidoBERT]:
    """Build the tiny model; biases and norms are noisy too, so that no error hides behind a zero."""

    def build(**arguments: Any) -> KaleidoBERT:
        torch.manual_seed(0)
        model = KaleidoBERT(**(TINY | arguments)).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.05 * torch.randn(parameter.shape))
        return model

    return build


@pytest.fixture
def draw_pairs() -> Callable[..., Pairs]:
    """Draw pairs: captions of 3 tokens or more, padded to `length`, and their patches."""

    def draw(
        count: int = 3, length: int = 8, levels: tuple[int, ...] = (1, 2, 3, 4, 5), seed: int = 1
    ) -> Pairs:
        generator = torch.Generator().manual_seed(seed)
        patches = KaleidoGrid(levels).patches
        lengths = torch.randint(3, length + 1, (count, 1), generator=generator)
        mask = (torch.arange(length) < lengths).long()
        return Pairs(
            torch.empty(count, 0),
            torch.randint(1, 50, (count, length), generator=generator) * mask,
            mask,
            patches=Patches(
                torch.randn(count, patches, 6, generator=generator).half(),
                torch.rand(count, patches, 5, generator=generator),
            ),
        )

    return draw
