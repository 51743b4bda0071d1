"""Reconstruction: PSNR and SSIM on images in [0, 1], over the whole image and over the hidden pixels alone.

The released MVLT evaluation takes 255 as the peak of images in [0, 1], which adds 48.13 dB; here the peak
is 1. Predictions are scored as they are, not clipped.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from fashionvl.errors import InputError
from fashionvl.evaluation.rows import RowMetric

# A perfect image would have infinite PSNR: errors below this count as this, which caps PSNR at 100 dB.
SMALLEST_MSE = 1e-10
# Wang, Bovik, Sheikh, Simoncelli (2004), Section III.C: 11 x 11 px Gaussian window of sigma 1.5, K1, K2.
SSIM_RADIUS = 5
SSIM_SIGMA = 1.5
SSIM_C1 = 0.01**2
SSIM_C2 = 0.03**2

COLUMNS = ("psnr", "ssim", "psnr_masked", "ssim_masked", "psnr_masked_mean_fill")


def precise(tensor: Tensor) -> Tensor:
    """The tensor in float64, or in float32 on Apple GPUs, which have no float64."""
    return tensor.float() if tensor.device.type == "mps" else tensor.double()


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of `[B, C, H, W]` values over channels and the pixels where `[B, 1, H, W]` mask is True.

    Returns:
        `[B]`, NaN for an image without such a pixel.
    """
    total = values.mul(mask).sum(dim=(1, 2, 3))
    return total / (mask.sum(dim=(1, 2, 3)) * values.shape[1])


def psnr(predicted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each image, `-10 log10(MSE)` for peak 1, over the pixels in `mask`.

    Args:
        predicted: `[B, C, H, W]`.
        target: `[B, C, H, W]` in [0, 1].
        mask: `[B, 1, H, W]` bool, the pixels that count.

    Returns:
        `[B]` in dB, at most 100 (see `SMALLEST_MSE`), NaN for an image where no pixel counts.
    """
    error = masked_mean((precise(predicted) - precise(target)).square(), mask)
    return -10 * error.clamp(min=SMALLEST_MSE).log10()


def ssim_map(predicted: Tensor, target: Tensor) -> Tensor:
    """Structural similarity around each pixel (Wang et al. 2004, Eq. 13), each channel on its own.

    Borders are mirrored with the edge pixel repeated, as in scikit-image.

    Args:
        predicted: `[B, C, H, W]`.
        target: `[B, C, H, W]` in [0, 1].

    Returns:
        `[B, C, H, W]`, at most 1.

    Raises:
        InputError: If a side is shorter than the 11-pixel window.
    """
    height, width = target.shape[-2:]
    if min(height, width) <= 2 * SSIM_RADIUS:
        raise InputError(f"SSIM: an image of {height} x {width} px is smaller than the 11 x 11 px window")
    x, y = precise(predicted), precise(target)
    rows, columns = (_blur_matrix(side).to(x) for side in (height, width))
    mean_x, mean_y, square_x, square_y, product = (
        rows @ values @ columns.T for values in (x, y, x * x, y * y, x * y)
    )
    variance_x, variance_y = square_x - mean_x.square(), square_y - mean_y.square()
    covariance = product - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + SSIM_C1) / (mean_x.square() + mean_y.square() + SSIM_C1)
    return luminance * (2 * covariance + SSIM_C2) / (variance_x + variance_y + SSIM_C2)


def _blur_matrix(side: int) -> Tensor:
    """The window along one axis as a matrix `[side, side]`, mirrored borders folded in.

    Two dense products beat a float64 convolution on CPUs, and need no padding.
    """
    offsets = torch.arange(-SSIM_RADIUS, SSIM_RADIUS + 1)
    weights = torch.exp(-0.5 * (offsets.double() / SSIM_SIGMA) ** 2)
    sources = torch.arange(side)[:, None] + offsets
    sources = torch.where(sources < 0, -1 - sources, sources)
    sources = torch.where(sources >= side, 2 * side - 1 - sources, sources)
    matrix = torch.zeros(side, side, dtype=torch.float64)
    return matrix.scatter_add_(1, sources, (weights / weights.sum()).expand(side, -1))


def mean_fill(target: Tensor, mask: Tensor) -> Tensor:
    """The do-nothing baseline: hidden pixels take the mean colour of the image's own visible pixels.

    Args:
        target: `[B, C, H, W]`.
        mask: `[B, 1, H, W]` bool, True where the pixel is hidden.

    Returns:
        `[B, C, H, W]`; hidden pixels are NaN in an image that is hidden altogether.
    """
    target = precise(target)
    visible = ~mask
    colour = (target * visible).sum(dim=(2, 3), keepdim=True) / visible.sum(dim=(2, 3), keepdim=True)
    return torch.where(mask, colour, target)


class ReconstructionScores(RowMetric):
    """PSNR and SSIM of masked image generation (MIG), each the mean of the images' own values.

    Args:
        settings: Passed on to `torchmetrics.Metric`.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(width=len(COLUMNS), dtype=torch.float64, **settings)

    def update(self, predicted: Tensor, target: Tensor, mask: Tensor, ids: Tensor | None = None) -> None:
        """Add B images.

        Args:
            predicted: `[B, 3, H, W]` float.
            target: `[B, 3, H, W]` float in [0, 1].
            mask: `[B, 1, H, W]` bool, True where the pixel was hidden from the model.
            ids: `[B]` int64, >= 0. An image seen twice is counted once; without ids, all are counted.

        Raises:
            InputError: If the shapes do not fit, the target leaves [0, 1], or a prediction is not finite.
        """
        _check_images(predicted, target, mask)
        everywhere = torch.ones_like(mask)
        similarity = ssim_map(predicted, target)
        inner = slice(SSIM_RADIUS, -SSIM_RADIUS)
        columns = {
            "psnr": psnr(predicted, target, everywhere),
            # Only windows inside the image, as in scikit-image and the paper's authors' code.
            "ssim": similarity[..., inner, inner].mean(dim=(1, 2, 3)),
            "psnr_masked": psnr(predicted, target, mask),
            "ssim_masked": masked_mean(similarity, mask),
            "psnr_masked_mean_fill": psnr(mean_fill(target, mask), target, mask),
        }
        self._append(ids, torch.stack([columns[name] for name in COLUMNS], dim=1))

    def compute(self) -> dict[str, float]:
        """Means over all images of all processes.

        Returns:
            `psnr`, `psnr_masked` and `psnr_masked_mean_fill` in dB; `ssim` and `ssim_masked`, at most 1; `n`
            images. Images without a hidden pixel have no part in the masked means, images without a visible
            one none in the mean fill's; a mean over no image is NaN.
        """
        _, rows = self._distinct()
        return {**dict(zip(COLUMNS, rows.nanmean(dim=0).tolist(), strict=True)), "n": len(rows)}

    def per_query(self) -> dict[str, np.ndarray]:
        """Return each image's scores, for intervals and paired tests; every process has to call it.

        Returns:
            `id` `[N]` int64 ascending (-1 where none was given), and each of `COLUMNS` `[N]` float64.
        """
        ids, rows = self._gather()
        return {"id": ids.numpy(), **dict(zip(COLUMNS, rows.numpy().T, strict=True))}


def _check_images(predicted: Tensor, target: Tensor, mask: Tensor) -> None:
    batch, _, height, width = target.shape
    if predicted.shape != target.shape or mask.shape != (batch, 1, height, width) or mask.dtype != torch.bool:
        shapes = f"predicted {list(predicted.shape)}, mask {list(mask.shape)} of {mask.dtype}"
        raise InputError(
            f"{shapes}: use the target's {list(target.shape)} and [{batch}, 1, {height}, {width}] bool"
        )
    if batch and not (target.min() >= 0 and target.max() <= 1):
        reach = f"{float(target.min()):g} .. {float(target.max()):g}"
        raise InputError(f"target: values in {reach}; PSNR and SSIM need images in [0, 1]")
    broken = ~predicted.isfinite().flatten(1).all(dim=1)
    if broken.any():
        raise InputError(
            f"predicted: image {int(broken.nonzero()[0, 0])} of the batch has NaN or infinite pixels"
        )
