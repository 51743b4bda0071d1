"""Masked image reconstruction (MIR): what did the hidden pixels look like?"""

from dataclasses import dataclass, field

import torch.nn.functional as F
from torch import Tensor

from fashionvl.errors import check_range
from fashionvl.masking.image import ImageMask


@dataclass(frozen=True)
class MIR:
    """Attributes of the objective.

    Attributes:
        weight: w1 of MVLT Eq. 8; 10 in section 4.1.
        mask: which pixels are hidden; random grid, ratio 0.5, alpha 4 in sections 3.2 and 4.1.
        on_clean: with alternating views, reconstruct the unmasked photographs as well (released code).

    Raises:
        InputError: the weight is negative.
    """

    weight: float = 10.0
    mask: ImageMask = field(default_factory=ImageMask)
    on_clean: bool = True

    def __post_init__(self) -> None:
        check_range("mir.weight", self.weight, 0)


def mir_loss(reconstructed: Tensor, original: Tensor) -> Tensor:
    """Smooth-L1 with its bend at 1, mean over all pixels of the photograph, hidden or not (MVLT Eq. 5).

    Eq. 5 as printed leaves out the absolute value in its condition; the smooth-L1 it names has it.

    Args:
        reconstructed: `[B, 3, H, W]`.
        original: `[B, 3, H, W]` in [0, 1].

    Returns:
        A scalar, at least 0; 0 for an empty batch.
    """
    if not len(original):
        return reconstructed.sum() * 0
    return F.smooth_l1_loss(reconstructed.float(), original.float(), beta=1.0)
