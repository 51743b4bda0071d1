"""Masked image generation (MIG; MVLT section 3.3, task 5): hidden pixels painted, and measured."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.records import PairBatch
from fashionvl.evaluation.reconstruction import ReconstructionScores
from fashionvl.masking.image import ImageMask, hide
from fashionvl.tasks.testing.base import Arrays, ProductBook, Result, Test


class GenerationTest(Test):
    """PSNR and SSIM of reconstructed photographs."""

    name = "mig"

    def __init__(self, mask: ImageMask, paint: Callable[[PairBatch], Tensor]) -> None:
        """Name the mask.

        Args:
            mask: which pixels are hidden.
            paint: reconstructs photographs `[B, 3, H, W]` from pairs whose hidden pixels are masked.
        """
        super().__init__()
        self.mask, self.paint = mask, paint
        self.scores = ReconstructionScores()
        self.forget()

    def forget(self) -> None:
        """Drop what an earlier pass left."""
        super().forget()
        self._book = ProductBook()
        self._images: dict[str, list[np.ndarray]] = {}

    def loader(self, data: FashionGenDataModule) -> Any:
        """Return some test pairs under one fixed mask each."""
        dataset = data.pairs("test", Corruption(image=self.mask), seed=0)
        if data.generated_images:
            dataset.rows = data.spread(data.test_rows, data.generated_images)
        return data.each_once(dataset)

    def step(self, network: nn.Module, batch: PairBatch) -> None:
        """Paint and compare."""
        if batch.image_mask is None:
            raise RuntimeError("masked image generation was asked for without an image mask")
        original, hidden = batch.pixel_values, batch.image_mask
        masked = hide(original, hidden)
        predicted = self.paint(replace(batch, pixel_values=masked)).float().clamp(0, 1)
        self.scores.update(predicted, original, hidden, batch.rows)
        shown = {"masked": masked, "reconstructed": predicted, "original": original, "hidden": hidden}
        for position in self._book.new(batch.product_id):
            for name, images in shown.items():
                self._images.setdefault(name, []).append(_stored(images[position]))

    def results(self, network: nn.Module, data: FashionGenDataModule) -> list[Result]:
        """Return means over photographs, and every photograph's values."""
        return [Result(self.name, self.scores.compute(), self.scores.per_query())]

    def examples(self, data: FashionGenDataModule) -> dict[str, Arrays]:
        """Return masked, reconstructed and original photographs."""
        return (
            {self.name: {name: np.stack(images) for name, images in self._images.items()}}
            if self._images
            else {}
        )


def _stored(image: Tensor) -> np.ndarray:
    """`[H, W, 3]` uint8 of an image in [0, 1], `[H, W]` bool of a mask."""
    if image.dtype == torch.bool:
        return image[0].cpu().numpy()
    return (image.permute(1, 2, 0) * 255).round().clamp(0, 255).byte().cpu().numpy()
