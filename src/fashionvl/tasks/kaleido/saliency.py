"""Training the foreground segmentation network of Kaleido-BERT, and measuring it beside classical methods."""

import logging
from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor

from fashionvl.data.records import PairBatch
from fashionvl.data.synthetic import GroundTruth
from fashionvl.errors import InputError
from fashionvl.evaluation.segmentation import mask_iou
from fashionvl.models.kaleido_bert.saliency import SaliencyUNet
from fashionvl.objectives.segmentation import cross_entropy, dice_loss
from fashionvl.tasks.base import Named, PairTask
from fashionvl.tasks.kaleido.saliency_test import CLASSICAL, SaliencyTest
from fashionvl.tasks.optimization import Optimization

log = logging.getLogger(__name__)

MaskSource = Literal["auto", "truth", "threshold", "grabcut"]


class Saliency(PairTask):
    """A network that tells product from background; no caption is read.

    Kaleido-BERT names a network (footnote 4) and not what it was trained on. Here: the masks a synthetic
    catalogue was drawn with, or pseudo-masks of a classical method.
    """

    network: SaliencyUNet

    def __init__(
        self,
        network: SaliencyUNet,
        masks: MaskSource = "auto",
        optimization: Optimization = Optimization(),  # noqa: B008 - frozen
    ) -> None:
        """Assemble the task.

        Args:
            network: the model.
            masks: what it learns from: the `truth` of a synthetic catalogue, or the `threshold` or `grabcut`
                of each photograph at the network's size; `auto`: the truth where there is one, else
                `threshold`.
            optimization: optimiser and schedule.
        """
        super().__init__(optimization)
        self.network, self.masks = network, masks
        self.test_with([SaliencyTest("grabcut" if masks == "grabcut" else "threshold")])
        self._truth: GroundTruth | None = None
        self._pseudo: dict[int, np.ndarray] = {}

    def check_data(self) -> None:
        """Check how photographs come.

        Raises:
            InputError: they are cropped, or not of the network's size.
        """
        data = self.data
        if data.crop:
            raise InputError(
                "data.init_args.crop: true; saliency is learned from whole photographs, set it false"
            )
        if data.image_size != self.network.image_size:
            raise InputError(
                f"data.init_args.image_size: {data.image_size}, but the network is made for "
                f"{self.network.image_size} (model.init_args.network.init_args.image_size)"
            )

    def setup(self, stage: str) -> None:
        """Open the truth.

        Raises:
            InputError: there is none to train on.
        """
        super().setup(stage)
        self._truth = self.data.truth("train")
        if self._truth is not None or stage == "test":
            return
        if self.masks == "auto":
            log.warning("%s: no ground truth; the network learns threshold masks", self.data.root)
        if self.masks == "truth":
            raise InputError(
                f"model.init_args.masks: truth, but {self.data.root} has none; only a synthetic catalogue "
                "does, use threshold or grabcut"
            )

    @property
    def _stand_in(self) -> Literal["threshold", "grabcut"]:
        """The pseudo-mask that stands for the truth where there is none."""
        return "grabcut" if self.masks == "grabcut" else "threshold"

    def _targets(self, batch: PairBatch) -> Tensor:
        """`[B, 1, S, S]`: the share of each pixel that is foreground; 0 or 1 of a pseudo-mask."""
        rows = batch.rows.tolist()
        if self.masks in ("truth", "auto") and self._truth is not None:
            shares = np.stack([_shrunk(self._truth.foreground(row), self.network.image_size) for row in rows])
        else:
            shares = self._pseudo_masks(rows, batch.pixel_values)
        return torch.from_numpy(shares).to(self.device)[:, None].float()

    def _pseudo_masks(self, rows: list[int], pixel_values: Tensor) -> np.ndarray:
        """`[B, S, S]` bool; each is found once and then kept, a bit a pixel."""
        new = [position for position, row in enumerate(rows) if row not in self._pseudo]
        if new:
            images = (pixel_values[new] * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
            for position, image in zip(new, images, strict=True):
                self._pseudo[rows[position]] = np.packbits(CLASSICAL[self._stand_in](image))
        side = pixel_values.shape[-1]
        kept = [np.unpackbits(self._pseudo[row], count=side * side) for row in rows]
        return np.stack(kept).reshape(-1, side, side).astype(bool)

    def losses(self, batch: PairBatch, step: int | None) -> tuple[Named, Named]:
        """Compute both losses, and the mean IoU at the network's size."""
        target = self._targets(batch)
        logits = self.network(batch.pixel_values)
        losses = {"bce": cross_entropy(logits, target), "dice": dice_loss(logits, target)}
        return losses, {"iou": mask_iou(logits[:, 0] > 0, target[:, 0] > 0.5).mean()}


def _shrunk(mask: np.ndarray, side: int) -> np.ndarray:
    """`[side, side]` float32: the share of each cell that a mask `[H, W]` bool covers."""
    return cv2.resize(mask.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
