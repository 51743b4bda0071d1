"""The foreground segmentation network: "a very simple UNet-like architecture" (Kaleido-BERT, footnote 4)."""

from typing import Any

import torch
from torch import Tensor, nn

from fashionvl.errors import InputError
from fashionvl.models.blocks.saving import SavedNetwork


class SaliencyUNet(
    SavedNetwork,
    library_name="fashionvl",
    license="mit",
    tags=["saliency", "segmentation", "fashion"],
):
    """U-Net (Ronneberger et al. 2015): halved and widened level by level, then back up beside what was kept.

    The footnote gives nothing but the kind. Against the original: convolutions are padded, so that logits are
    as large as the image; batch normalisation; and as many levels and channels as photographs on white ask
    for. White is 0 inside, so that padding continues the background.

    Args:
        widths: channels of each level, widest last; every level after the first halves the sides.
        image_size: pixels of the side that the network is trained at; `forward` takes other sizes.

    Raises:
        InputError: a width is not positive, or the sides cannot be halved that often.
    """

    def __init__(self, *, widths: list[int] = [16, 32, 64, 128], image_size: int = 128) -> None:  # noqa: B006 - read only
        super().__init__()
        if len(widths) < 1 or min(widths) < 1:
            raise InputError(f"widths: {list(widths)}; give the channels of at least one level, all positive")
        self.image_size, self.widths = image_size, list(widths)
        self._check_side(image_size, "image_size")
        self.down = nn.ModuleList(
            _double(before, after) for before, after in zip([3, *widths[:-1]], widths, strict=True)
        )
        deepest_first = list(zip(widths[::-1], widths[-2::-1], strict=False))
        self.up = nn.ModuleList(nn.ConvTranspose2d(below, beside, 2, 2) for below, beside in deepest_first)
        self.merge = nn.ModuleList(_double(2 * beside, beside) for _, beside in deepest_first)
        self.head = nn.Conv2d(widths[0], 1, 1)
        # Few channels, many pixels: with channels innermost a step on a CPU takes half the time.
        self.to(memory_format=torch.channels_last)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Foreground logits.

        Args:
            pixel_values: `[B, 3, H, W]` in [0, 1], not normalised; sides divisible by 2^(levels - 1).

        Returns:
            `[B, 1, H, W]`.

        Raises:
            InputError: a side is not divisible.
        """
        for side in pixel_values.shape[2:]:
            self._check_side(side, "pixel_values")
        state, kept = (1 - pixel_values).contiguous(memory_format=torch.channels_last), []
        for level, block in enumerate(self.down):
            state = block(nn.functional.max_pool2d(state, 2) if level else state)
            kept.append(state)
        for up, merge, beside in zip(self.up, self.merge, kept[-2::-1], strict=True):
            state = merge(torch.cat([beside, up(state)], dim=1))
        return self.head(state)

    def _check_side(self, side: int, name: str) -> None:
        step = 2 ** (len(self.widths) - 1)
        if side < step or side % step:
            raise InputError(f"{name}: {side} px; {len(self.widths)} levels need a multiple of {step}")


def _double(before: int, after: int) -> nn.Sequential:
    """Two 3 x 3 convolutions, each normalised and rectified."""
    layers: list[Any] = []
    for width in (before, after):
        layers += [nn.Conv2d(width, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(True)]
    return nn.Sequential(*layers)
