"""Segmentation: agreement of a mask, and of the box around it, with the truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fashionvl.errors import InputError
from fashionvl.evaluation.rows import RowMetric


@dataclass(frozen=True)
class Segmented:
    """B segmented photographs.

    Attributes:
        masks: `[B, H, W]` bool.
        boxes: `[B, 4]` x0, y0, x1, y1 in pixels, ends exclusive.
    """

    masks: Tensor
    boxes: Tensor


def mask_iou(predicted: Tensor, truth: Tensor) -> Tensor:
    """Intersection over union (Jaccard index) of masks.

    Args:
        predicted: `[B, H, W]` bool.
        truth: `[B, H, W]` bool.

    Returns:
        `[B]` float32 in [0, 1]; 1 where both masks are empty.

    Raises:
        InputError: the shapes differ, or the masks are not bool.
    """
    if (
        predicted.shape != truth.shape
        or predicted.ndim != 3
        or {predicted.dtype, truth.dtype} != {torch.bool}
    ):
        shapes = " against ".join(f"{list(masks.shape)} of {masks.dtype}" for masks in (predicted, truth))
        raise InputError(f"masks: {shapes}; use [B, H, W] bool twice")
    common = (predicted & truth).sum(dim=(1, 2))
    either = (predicted | truth).sum(dim=(1, 2))
    return torch.where(either > 0, common.float() / either.clamp(min=1), 1.0)


def box_iou(predicted: Tensor, truth: Tensor) -> Tensor:
    """Intersection over union of boxes.

    Args:
        predicted: `[B, 4]` x0, y0, x1, y1, not empty.
        truth: `[B, 4]` likewise.

    Returns:
        `[B]` float32 in [0, 1].

    Raises:
        InputError: the shapes are not `[B, 4]` twice, or a box is empty.
    """
    if predicted.shape != truth.shape or predicted.shape[1:] != (4,):
        raise InputError(f"boxes: {list(predicted.shape)} against {list(truth.shape)}; use [B, 4] twice")
    for boxes in (predicted, truth):
        if not bool((boxes[:, 2:] > boxes[:, :2]).all()):
            raise InputError("boxes: one is empty; ends are exclusive and lie beyond the starts")
    start = torch.maximum(predicted[:, :2], truth[:, :2])
    end = torch.minimum(predicted[:, 2:], truth[:, 2:])
    common = (end - start).clamp(min=0).float().prod(dim=1)
    return common / (_area(predicted) + _area(truth) - common)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).float().prod(dim=1)


class SegmentationScores(RowMetric):
    """IoU of masks and boxes of several methods on the same photographs, each the mean over photographs.

    Args:
        methods: Their names.
        settings: Passed on to `torchmetrics.Metric`.
    """

    def __init__(self, methods: tuple[str, ...], **settings: Any) -> None:
        super().__init__(width=2 * len(methods), dtype=torch.float32, **settings)
        self.methods = methods
        self.columns = [f"{method}_{kind}" for method in methods for kind in ("iou", "box_iou")]

    def update(self, predicted: Mapping[str, Segmented], truth: Segmented, ids: Tensor | None = None) -> None:
        """Add B photographs.

        Args:
            predicted: what each method found.
            truth: what there is to find.
            ids: `[B]` int64, >= 0. A photograph seen twice is counted once; without ids, all are counted.

        Raises:
            InputError: a method is missing, or shapes do not fit.
        """
        if set(predicted) != set(self.methods):
            raise InputError(f"predicted: {sorted(predicted)}; use {sorted(self.methods)}")
        columns = []
        for method in self.methods:
            found = predicted[method]
            columns += [mask_iou(found.masks, truth.masks), box_iou(found.boxes, truth.boxes)]
        self._append(ids, torch.stack(columns, dim=1))

    def compute(self) -> dict[str, float]:
        """Means over the photographs of all processes: `METHOD_iou`, `METHOD_box_iou`; their number `n`."""
        _, rows = self._distinct()
        return {**dict(zip(self.columns, rows.double().mean(dim=0).tolist(), strict=True)), "n": len(rows)}

    def per_query(self) -> dict[str, np.ndarray]:
        """Return each photograph's scores, for intervals and paired tests; every process has to call it.

        Returns:
            `id` `[N]` int64 ascending (-1 where none was given), and each column `[N]` float32.
        """
        ids, rows = self._gather()
        return {"id": ids.numpy(), **dict(zip(self.columns, rows.numpy().T, strict=True))}
