"""Foreground segmentation: binary cross-entropy beside the Dice loss."""

import torch.nn.functional as F
from torch import Tensor

_SMOOTH = 1.0


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy, mean over all pixels.

    Args:
        logits: `[B, 1, H, W]`.
        target: `[B, 1, H, W]` share of the pixel that is foreground, in [0, 1].

    Returns:
        A scalar, at least 0.
    """
    return F.binary_cross_entropy_with_logits(logits.float(), target)


def dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """1 - the Dice coefficient of each photograph, mean over photographs (Milletari et al. 2016, section 3).

    Its denominator squares, so that it is least at `target` itself, also where that is between 0 and 1. One
    is added above and below, which makes an empty target with nothing found a perfect score.

    Args:
        logits: `[B, 1, H, W]`.
        target: `[B, 1, H, W]` in [0, 1].

    Returns:
        A scalar in [0, 1).
    """
    found = logits.float().sigmoid()
    common = (found * target).sum(dim=(1, 2, 3))
    either = (found.square() + target.square()).sum(dim=(1, 2, 3))
    return (1 - (2 * common + _SMOOTH) / (either + _SMOOTH)).mean()
