"""Pairs drawn at random, as large as a network reads them, where a step is measured without its loader."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from fashionvl.data.records import KaleidoTargets, PairBatch, Patches, masked_positions
from fashionvl.masking.image import ImageMask
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.models.kaleido_bert import KaleidoBERT

MASKED_SHARE = 0.15
"""Share of the words between [CLS] and [SEP] that is masked (MVLT section 3.2): 18 of 128."""


def draw_mvlt(count: int, side: int, vocabulary: int, length: int, seed: int = 0) -> PairBatch:
    """Draw pairs for MVLT's pre-training as a loader leaves them, photographs as bytes.

    Every pair has as many masked words and hidden pixels as any other, so that no process has less to do.

    Args:
        count: pairs.
        side: pixels of a photograph's side.
        vocabulary: word pieces.
        length: tokens of a caption, all of them in use.
        seed: of the draw.
    """
    generator, rng, style = torch.Generator().manual_seed(seed), np.random.default_rng(seed), ImageMask()
    hidden = torch.from_numpy(np.stack([style.sample(side, side, rng) for _ in range(count)]))
    return PairBatch(
        pixel_values=torch.randint(0, 256, (count, 3, side, side), generator=generator, dtype=torch.uint8),
        image_mask=hidden[:, None],
        **_texts(count, length, vocabulary, max(1, int(MASKED_SHARE * (length - 2))), generator),
    )


def draw_kaleido(count: int, network: KaleidoBERT, length: int, masked: int, seed: int = 0) -> PairBatch:
    """Draw pairs for Kaleido-BERT's pre-training, patch features in half precision, every sub-task asked.

    Args:
        count: pairs.
        network: gives the sizes of patches and vocabulary.
        length: tokens of a caption, all of them in use.
        masked: words that MLM asks for.
        seed: of the draw.
    """
    generator = torch.Generator().manual_seed(seed)
    width, patches, rows = network.patch_width, network.grid.patches, torch.arange(count)
    return PairBatch(
        pixel_values=torch.empty(count, 0),
        image_mask=None,
        patches=Patches(
            torch.randn(count, patches, width, generator=generator).half(),
            torch.rand(count, patches, 5, generator=generator),
        ),
        kaleido=KaleidoTargets(
            rotation=rows % 4,
            jigsaw=rows % 24,
            camouflage=rows % 9,
            grey=torch.rand(count, 16, generator=generator).argsort(1)[:, :2],
            grey_target=torch.randn(count, 2, width, generator=generator).half(),
            blank=torch.rand(count, 25, generator=generator).argsort(1)[:, :3],
        ),
        **_texts(count, length, network.vocab_size, masked, generator),
    )


def _texts(
    count: int, length: int, vocabulary: int, masked: int, generator: torch.Generator
) -> dict[str, Any]:
    """Draw captions of which the first `masked` words are asked for, and number the pairs."""
    ids = torch.randint(5, vocabulary, (count, length), generator=generator)
    labels, rows = torch.full_like(ids, IGNORED_LABEL), torch.arange(count)
    labels[:, 1 : 1 + masked] = ids[:, 1 : 1 + masked]
    fields: dict[str, Tensor | None] = {
        "input_ids": ids, "attention_mask": torch.ones_like(ids), "mlm_labels": labels,
        "masked_positions": masked_positions(labels), "itm_labels": rows % 2,
    }  # fmt: skip
    return fields | dict.fromkeys(("category", "subcategory", "product_id", "rows"), rows)


def to_device(batch: PairBatch, device: torch.device) -> PairBatch:
    """Move a batch to the device, photographs to [0, 1]."""
    moved = batch.to(device, non_blocking=True)
    moved.pixel_values = moved.pixel_values.float().div_(255)
    return moved
