"""Training the foreground segmentation network of Kaleido-BERT, and measuring it beside classical methods."""

import logging
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import torch
from torch import Tensor

from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.records import PairBatch
from fashionvl.data.requests import TestProtocol
from fashionvl.data.synthetic import GroundTruth
from fashionvl.errors import InputError
from fashionvl.evaluation.segmentation import SegmentationScores, Segmented, mask_iou
from fashionvl.models.kaleido_bert.saliency import SaliencyUNet
from fashionvl.objectives.segmentation import cross_entropy, dice_loss
from fashionvl.patches.foreground import grabcut_mask, mask_box, threshold_mask
from fashionvl.tasks.base import PairTask
from fashionvl.tasks.examples import SHOWN
from fashionvl.tasks.kaleido.foreground import network_masks
from fashionvl.tasks.optimization import Optimization

log = logging.getLogger(__name__)

MaskSource = Literal["auto", "truth", "threshold", "grabcut"]
_CLASSICAL = {"threshold": threshold_mask, "grabcut": grabcut_mask}


class Saliency(PairTask):
    """A network that tells product from background; no caption is read.

    Kaleido-BERT names a network (footnote 4) and not what it was trained on. Here: the masks a synthetic
    catalogue was drawn with, or pseudo-masks of a classical method.
    """

    protocols: tuple[TestProtocol, ...] = ("saliency",)

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
        self.scores = SegmentationScores(("unet", *_CLASSICAL))
        self.examples = MaskExamples()
        self._truth: GroundTruth | None = None
        self._pseudo: dict[int, np.ndarray] = {}

    def setup(self, stage: str) -> None:
        """Open the truth.

        Raises:
            InputError: there is none to train on; photographs are cropped, or not of the network's size.
        """
        data: FashionGenDataModule = self.trainer.datamodule  # type: ignore[attr-defined]
        if data.crop:
            raise InputError(
                "data.init_args.crop: true; saliency is learned from whole photographs, set it false"
            )
        if data.image_size != self.network.image_size:
            raise InputError(
                f"data.init_args.image_size: {data.image_size}, but the network is made for "
                f"{self.network.image_size} (model.init_args.network.init_args.image_size)"
            )
        self._truth = data.truth("validation" if stage == "test" else "train")
        if self._truth is not None:
            return
        if self.masks == "auto":
            log.warning("%s: no ground truth; the network learns threshold masks", data.root)
        if stage == "test":
            log.warning(
                "%s: no ground truth, so no IoU; the network's agreement with %s masks is logged instead",
                data.root,
                self._stand_in,
            )
            self.scores = SegmentationScores(("unet",))
        elif self.masks == "truth":
            raise InputError(
                f"model.init_args.masks: truth, but {data.root} has none; only a synthetic catalogue does, "
                "use threshold or grabcut"
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
                self._pseudo[rows[position]] = np.packbits(_CLASSICAL[self._stand_in](image))
        side = pixel_values.shape[-1]
        kept = [np.unpackbits(self._pseudo[row], count=side * side) for row in rows]
        return np.stack(kept).reshape(-1, side, side).astype(bool)

    def _losses(self, batch: PairBatch) -> tuple[dict[str, Tensor], Tensor]:
        """Both losses, and the mean IoU at the network's size."""
        target = self._targets(batch)
        logits = self.network(batch.pixel_values)
        losses = {"bce": cross_entropy(logits, target), "dice": dice_loss(logits, target)}
        return losses, mask_iou(logits[:, 0] > 0, target[:, 0] > 0.5).mean()

    def training_step(self, batch: PairBatch, batch_idx: int) -> Tensor:
        """One step."""
        losses, iou = self._losses(batch)
        self.halt_unless_finite(losses, batch.rows, batch_idx)
        loss = self.total(losses, dict.fromkeys(losses, 1.0))
        values = {"loss": loss, **losses, "iou": iou}
        self.log_all(
            "train", {name: value.detach() for name, value in values.items()}, len(batch), on_step=True
        )
        return loss

    def validation_step(self, batch: PairBatch, batch_idx: int) -> None:
        """Losses and IoU on the dev split."""
        losses, iou = self._losses(batch)
        loss = self.total(losses, dict.fromkeys(losses, 1.0))
        self.log_all("dev", {"loss": loss, **losses, "iou": iou}, len(batch))

    def test_step(self, batch: PairBatch, batch_idx: int) -> None:
        """Segment each photograph as stored by every method."""
        data: FashionGenDataModule = self.trainer.datamodule  # type: ignore[attr-defined]
        for row, product in zip(batch.rows.tolist(), batch.product_id.tolist(), strict=True):
            image = data.test_image(row)
            found = {"unet": network_masks(self.network, image[None])[0]}
            if self._truth is None:
                truth = _CLASSICAL[self._stand_in](image)
            else:
                truth = self._truth.foreground(row)
                found |= {name: find(image) for name, find in _CLASSICAL.items()}
            predicted = {name: self._segmented(mask) for name, mask in found.items()}
            self.scores.update(predicted, self._segmented(truth), torch.tensor([row], device=self.device))
            name = self._stand_in if self._truth is None else "truth"
            self.examples.add(product, images=image, **{name: truth}, **found)

    def _segmented(self, mask: np.ndarray) -> Segmented:
        box = torch.tensor([mask_box(mask)], device=self.device)
        return Segmented(torch.from_numpy(mask)[None].to(self.device), box)

    def on_test_epoch_end(self) -> None:
        """Log `saliency/METHOD_iou` and `saliency/METHOD_box_iou`, or the agreement with a pseudo-mask."""
        scores = self.scores.compute()
        if self._truth is None:
            other = self._stand_in
            names = {"unet_iou": f"{other}_agreement", "unet_box_iou": f"{other}_box_agreement", "n": "n"}
            scores = {names[name]: value for name, value in scores.items()}
        self.log_scores("saliency", scores)

    def per_query(self) -> dict[str, dict[str, Any]]:
        """IoUs by row, for intervals and paired tests."""
        return {"saliency": self.scores.per_query()}


class MaskExamples:
    """Keeps the first photographs of different products with all their masks for `saliency.npz`."""

    def __init__(self) -> None:
        self._kept: dict[int, dict[str, np.ndarray]] = {}

    def add(self, product: int, images: np.ndarray, **masks: np.ndarray) -> None:
        """Keep a photograph `[H, W, 3]` uint8 and masks `[H, W]` bool by name, as long as there is room.

        Arrays are stacked in the end: of photographs of several sizes, those like the first are kept.
        """
        first = next(iter(self._kept.values()), None)
        same_size = first is None or first["images"].shape == images.shape
        if same_size and len(self._kept) < SHOWN and product not in self._kept:
            boxes = {f"{name}_box": np.array(mask_box(mask)) for name, mask in masks.items()}
            self._kept[product] = {"images": images, **masks, **boxes}

    def save(self, folder: Path, data: FashionGenDataModule) -> None:
        """Write `saliency.npz`: `images`, and for each method `METHOD` masks and `METHOD_box` boxes."""
        if not self._kept:
            return
        folder.mkdir(parents=True, exist_ok=True)
        kept = list(self._kept.values())
        arrays: dict[str, Any] = {name: np.stack([entry[name] for entry in kept]) for name in kept[0]}
        np.savez_compressed(folder / "saliency.npz", **arrays)


def _shrunk(mask: np.ndarray, side: int) -> np.ndarray:
    """`[side, side]` float32: the share of each cell that a mask `[H, W]` bool covers."""
    return cv2.resize(mask.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
