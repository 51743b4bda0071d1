"""Masked image reconstruction (MIR): from the four maps V^1..V^4 back to pixels.

Both decoders end in a plain convolution. No activation bounds the output (released code): pixels in [0, 1]
are learned, and whoever measures or shows a picture clips it.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fashionvl.errors import InputError

NORM_GROUPS = 8


def _conv_norm(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))


def _enlarge(features: Tensor, factor: int) -> Tensor:
    return F.interpolate(features, scale_factor=factor, mode="bilinear", align_corners=True)


class PartialDecoder(nn.Module):
    """The released decoder: multiplicative fusion of stages 2 to 4, then one bilinear step of 8.

    Stage 1 is not read and there is no activation: deeper maps are convolved, enlarged and multiplied into
    finer ones. The output has 8 times the grid of stage 2, which is the image's size at patch 4.

    Args:
        embed_dims: D_1..D_4.
        width: channels of a reduced map, 64 in the released model; fused maps have two to three times that.
    """

    def __init__(self, embed_dims: list[int], width: int) -> None:
        super().__init__()
        self.reduce2 = _conv_norm(embed_dims[1], width)
        self.reduce3 = _conv_norm(embed_dims[2], width)
        self.reduce4 = _conv_norm(embed_dims[3], width)
        self.gate4_on_3 = _conv_norm(width, width)
        self.gate3_on_2 = _conv_norm(width, width)
        self.gate43_on_2 = _conv_norm(width, width)
        self.carry4_to_3 = _conv_norm(width, width)
        self.carry43_to_2 = _conv_norm(2 * width, 2 * width)
        self.merge3 = _conv_norm(2 * width, 2 * width)
        self.merge2 = _conv_norm(3 * width, 3 * width)
        self.refine = _conv_norm(3 * width, 3 * width)
        self.to_rgb = nn.Conv2d(3 * width, 3, 1)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Reconstruct `[B, 3, 8*H_2, 8*W_2]` from V^1..V^4.

        Raises:
            InputError: the grids of stages 2 to 4 do not halve exactly.
        """
        grids = [tuple(level.shape[2:]) for level in maps[1:]]
        if grids[0] != tuple(4 * cells for cells in grids[2]):
            shown = ", ".join("x".join(map(str, grid)) for grid in grids)
            raise InputError(
                "decoder: 'partial' needs image sides that are multiples of 8 patches,"
                f" but stages 2 to 4 have grids {shown}"
            )
        two, three, four = self.reduce2(maps[1]), self.reduce3(maps[2]), self.reduce4(maps[3])
        four_up = _enlarge(four, 2)
        gated3 = self.gate4_on_3(four_up) * three
        gated2 = self.gate3_on_2(_enlarge(three, 2)) * self.gate43_on_2(_enlarge(gated3, 2)) * two
        merged3 = self.merge3(torch.cat([gated3, self.carry4_to_3(four_up)], dim=1))
        merged2 = self.merge2(torch.cat([gated2, self.carry43_to_2(_enlarge(merged3, 2))], dim=1))
        return _enlarge(self.to_rgb(self.refine(merged2)), 8)


def _conv_act(channels: int, width: int) -> nn.Sequential:
    # GroupNorm, not BatchNorm: training sees clean and masked pictures in turn, evaluation one kind only.
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1, bias=False),
        nn.GroupNorm(math.gcd(NORM_GROUPS, width), width),
        nn.GELU(),
    )


def _resize(features: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(features, size=size, mode="bilinear")


class UNetDecoder(nn.Module):
    """The paper's "standard four-level U-Net decoder" over V^4, V^3, V^2 and V^1 (section 3.2).

    Three levels each enlarge the deeper map to the next grid, concatenate that stage's map, and apply two 3x3
    convolutions (Ronneberger et al., 2015). The fourth has no map to concatenate but most of the pixels, so
    it is one narrow convolution at half resolution and the convolution to RGB at full resolution.

    The paper gives no widths. Multiply-adds per image are `9 sum_k H_k W_k ((w_{k+1} + D_k) w_k + w_k^2)`
    over k = 3, 2, 1 with w_4 = D_4, plus `9 H W (w_1 w_0 / 4 + 3 w_0)`. At the defaults of `MVLT` that is
    0.92 G, against 4.2 G of its encoder; on laptop sizes (64 px, D of 32 to 160) width 64 costs as much as
    the whole encoder, 45 M, and width 24 a fifth of it.

    Args:
        embed_dims: D_1..D_4.
        widths: `[w_3, w_2, w_1, w_0]`, deepest level first.
        patch_size: pixels of a stage-1 cell.
    """

    def __init__(self, embed_dims: list[int], widths: list[int], patch_size: int) -> None:
        super().__init__()
        self.patch_size = patch_size
        deeper = [embed_dims[3], *widths[:2]]
        self.levels = nn.ModuleList(
            nn.Sequential(_conv_act(deep + skip, width), _conv_act(width, width))
            for deep, skip, width in zip(deeper, embed_dims[2::-1], widths[:3], strict=True)
        )
        self.last_level = _conv_act(widths[2], widths[3])
        self.output = nn.Conv2d(widths[3], 3, 3, padding=1)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Reconstruct `[B, 3, P*H_1, P*W_1]`, P the patch size, from V^1..V^4."""
        features = maps[3]
        for level, skip in zip(self.levels, maps[2::-1], strict=True):
            grid = (skip.shape[2], skip.shape[3])
            features = level(torch.cat([_resize(features, grid), skip], dim=1))
        height, width = features.shape[2] * self.patch_size, features.shape[3] * self.patch_size
        features = self.last_level(_resize(features, (height // 2, width // 2)))
        return self.output(_resize(features, (height, width)))


def build_decoder(
    kind: Literal["unet", "partial"], width: int | list[int], embed_dims: list[int], patch_size: int
) -> PartialDecoder | UNetDecoder:
    """The decoder a configuration names; arguments as in `MVLT`.

    Raises:
        InputError: an unknown decoder, or widths that do not suit it.
    """
    widths = [width, width, width, max(width // 4, 1)] if isinstance(width, int) else width
    if len(widths) != 4 or min(widths) < 1:
        raise InputError(f"decoder_width: {width} is neither a positive number nor four of them")
    if kind == "unet":
        return UNetDecoder(embed_dims, widths, patch_size)
    if kind != "partial":
        raise InputError(f"decoder: {kind!r} is unknown; there are 'unet' and 'partial'")
    if not isinstance(width, int):
        raise InputError(f"decoder_width: {width} is a list; the partial decoder has one width")
    return PartialDecoder(embed_dims, width)
