"""Foreground masks of the saliency network and of classical methods, compared with the truth."""

import logging
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import nn

from fashionvl.data.batches.corruption import CLEAN
from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.records import PairBatch
from fashionvl.evaluation.segmentation import SegmentationScores, Segmented
from fashionvl.models.kaleido_bert.saliency import SaliencyUNet
from fashionvl.patches.foreground import grabcut_mask, mask_box, threshold_mask
from fashionvl.tasks.kaleido.foreground import network_masks
from fashionvl.tasks.testing.base import SHOWN, Arrays, Result, Test

log = logging.getLogger(__name__)

CLASSICAL = {"threshold": threshold_mask, "grabcut": grabcut_mask}


class SaliencyTest(Test):
    """IoU of masks and boxes on photographs as stored.

    Where there is no truth, the network's agreement with a classical method is measured instead.
    """

    name = "saliency"

    def __init__(self, stand_in: Literal["threshold", "grabcut"]) -> None:
        """Name the method that stands for the truth where there is none."""
        super().__init__()
        self.stand_in = stand_in

    def prepare(self, network: nn.Module, data: FashionGenDataModule) -> None:
        """Open the truth of the test photographs."""
        self._data, self._truth = data, data.truth("validation")
        known = self._truth is not None
        self.scores = SegmentationScores(("unet", *(CLASSICAL if known else ())))
        self.forget()

    def forget(self) -> None:
        """Drop what an earlier pass left."""
        super().forget()
        self._kept: dict[int, dict[str, np.ndarray]] = {}

    def loader(self, data: FashionGenDataModule) -> Any:
        """Return some test photographs."""
        if self._truth is None:
            log.warning(
                "%s: no ground truth, so no IoU; the network's agreement with %s masks is logged instead",
                data.root,
                self.stand_in,
            )
        dataset = data.pairs("test", CLEAN, seed=0)
        if data.generated_images:
            dataset.rows = data.spread(data.test_rows, data.generated_images)
        return data.each_once(dataset)

    def step(self, network: nn.Module, batch: PairBatch) -> None:
        """Segment each photograph as stored by every method."""
        device = batch.rows.device
        for row, product in zip(batch.rows.tolist(), batch.product_id.tolist(), strict=True):
            image = self._data.test_image(row)
            found = {"unet": network_masks(cast(SaliencyUNet, network), image[None])[0]}
            if self._truth is None:
                truth = CLASSICAL[self.stand_in](image)
            else:
                truth = self._truth.foreground(row)
                found |= {name: find(image) for name, find in CLASSICAL.items()}
            predicted = {name: _segmented(mask, device) for name, mask in found.items()}
            self.scores.update(predicted, _segmented(truth, device), torch.tensor([row], device=device))
            self._keep(product, image, {self.stand_in if self._truth is None else "truth": truth, **found})

    def _keep(self, product: int, image: np.ndarray, masks: dict[str, np.ndarray]) -> None:
        """Keep a photograph `[H, W, 3]` uint8 and masks `[H, W]` bool by name, as long as there is room.

        Arrays are stacked in the end: of photographs of several sizes, those like the first are kept.
        """
        first = next(iter(self._kept.values()), None)
        same_size = first is None or first["images"].shape == image.shape
        if same_size and len(self._kept) < SHOWN and product not in self._kept:
            boxes = {f"{name}_box": np.array(mask_box(mask)) for name, mask in masks.items()}
            self._kept[product] = {"images": image, **masks, **boxes}

    def results(self, network: nn.Module, data: FashionGenDataModule) -> list[Result]:
        """Return `METHOD_iou` and `METHOD_box_iou`, or the agreement with a pseudo-mask."""
        scores = self.scores.compute()
        if self._truth is None:
            other = self.stand_in
            names = {"unet_iou": f"{other}_agreement", "unet_box_iou": f"{other}_box_agreement", "n": "n"}
            scores = {names[name]: value for name, value in scores.items()}
        return [Result(self.name, scores, self.scores.per_query())]

    def examples(self, data: FashionGenDataModule) -> dict[str, Arrays]:
        """Return `images`, and for each method `METHOD` masks and `METHOD_box` boxes."""
        kept = list(self._kept.values())
        return (
            {self.name: {name: np.stack([entry[name] for entry in kept]) for name in kept[0]}} if kept else {}
        )


def _segmented(mask: np.ndarray, device: torch.device) -> Segmented:
    box = torch.tensor([mask_box(mask)], device=device)
    return Segmented(torch.from_numpy(mask)[None].to(device), box)
