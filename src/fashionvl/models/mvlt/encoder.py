"""MVLT's encoder: a four-stage pyramid vision transformer that carries text tokens along (section 3.1)."""

import math
from itertools import accumulate
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fashionvl.errors import InputError
from fashionvl.models.blocks.bert import INITIALIZER_RANGE, init_transformer_weights
from fashionvl.models.mvlt.layers import EVERY, Block, PatchEmbedding
from fashionvl.models.protocols import Need

STAGES = 4
NO_CELLS = (0, 0)
"""The grid of a caption without a photograph."""


class Stage(nn.Module):
    """One stage: embed patches and text, add positions, run the blocks, part the modalities (Eq. 1, 2).

    `visual_positions [1, rows, D]` is a square table, row by row. In stage 4 one more row comes first, PVT's
    [CLS] slot, which MVLT carries but never reads (released code). The text projection ends in a LayerNorm,
    which the released code adds to Eq. 1.
    """

    def __init__(
        self,
        index: int,
        channels: int,
        text_channels: int,
        width: int,
        heads: int,
        mlp_ratio: int,
        reduction: int,
        drop_paths: list[float],
        patch: int,
        side: int,
        max_tokens: int,
    ) -> None:
        super().__init__()
        self.first = index == 0
        self.spare_positions = int(index == STAGES - 1)
        self.patch = patch
        self.reduction = reduction
        self.patch_embedding = PatchEmbedding(channels, width, patch)
        self.text_projection = nn.Sequential(nn.Linear(text_channels, width), nn.LayerNorm(width))
        self.visual_positions = nn.Parameter(torch.empty(1, side * side + self.spare_positions, width))
        self.text_positions = nn.Parameter(torch.empty(1, max_tokens, width))
        self.blocks = nn.ModuleList([Block(width, heads, mlp_ratio, reduction, rate) for rate in drop_paths])
        nn.init.trunc_normal_(self.visual_positions, std=INITIALIZER_RANGE)
        nn.init.trunc_normal_(self.text_positions, std=INITIALIZER_RANGE)

    @property
    def side(self) -> int:
        """Rows, and columns, of the square position table."""
        return math.isqrt(self.visual_positions.shape[1] - self.spare_positions)

    def widest(self, tokens: int) -> int:
        """Numbers in the MLPs' hidden layer for one image of the table's size and so many tokens."""
        return (self.side**2 + tokens) * cast(Block, self.blocks[0]).hidden

    def is_table(self, rows: int) -> bool:
        """Return whether a table of this many rows is a square grid plus the stage's spare row."""
        cells = rows - self.spare_positions
        return cells > 0 and math.isqrt(cells) ** 2 == cells

    def positions(self, grid: tuple[int, int]) -> Tensor:
        """Position embeddings `[1, H*W, D]`: the table, resized bilinearly where the grid is another.

        As in the released code, stage 1 reads its table row by row whenever the number of cells agrees, even
        where the shape does not (a 32 by 128 image on the table of 64 by 64).
        """
        table = self.visual_positions[:, self.spare_positions :]
        if grid == (self.side, self.side) or (self.first and grid[0] * grid[1] == table.shape[1]):
            return table
        return resize_positions(table, grid)

    def forward(
        self,
        image: Tensor,
        text: Tensor | None,
        text_mask: Tensor | None,
        states: Need = "all",
    ) -> tuple[Tensor | None, Tensor | None]:
        """Encode one level.

        Args:
            image: `[B, C, H, W]`, the picture or the map of the stage before.
            text: `[B, L, D_text]`, or None for the purely visual path.
            text_mask: `[B, L]` bool, True on the tokens that may be attended to; None attends to all.
            states: which the last block is to compute.

        Returns:
            The map `[B, D, H/patch, W/patch]`, None unless all states are asked for, and the text `[B, L, D]`
            or `[B, 1, D]` (None without text).
        """
        tokens, grid = self.patch_embedding(image)
        tokens = tokens + self.positions(grid)
        cells = tokens.shape[1]
        if text is not None:
            text = self.text_projection(text) + self.text_positions[:, : text.shape[1]]
            tokens = torch.cat([tokens, text], dim=1)
        key_mask = None if text_mask is None else self._key_mask(text_mask, grid)
        for block in self.blocks[:-1]:
            tokens = block(tokens, grid, key_mask)
        if text is not None and states != "all":
            wanted = slice(cells, cells + 1 if states == "pooled" else None)
            return None, self.blocks[-1](tokens, grid, key_mask, wanted)
        tokens = self.blocks[-1](tokens, grid, key_mask)
        visual = tokens[:, :cells].transpose(1, 2).unflatten(2, grid).contiguous()
        return visual, None if text is None else tokens[:, cells:]

    def encode_text(self, text: Tensor, text_mask: Tensor | None, states: Need = "all") -> Tensor:
        """Encode captions `[B, L, D_text]` without a photograph; mask and states as in `forward`.

        Returns:
            `[B, L, D]`, of pooled states `[B, 1, D]`.
        """
        tokens = self.text_projection(text) + self.text_positions[:, : text.shape[1]]
        key_mask = None if text_mask is None else text_mask[:, None, None]
        for block in self.blocks[:-1]:
            tokens = block(tokens, NO_CELLS, key_mask)
        wanted = slice(1) if states == "pooled" else EVERY
        return cast(Tensor, self.blocks[-1](tokens, NO_CELLS, key_mask, wanted))

    def _key_mask(self, text_mask: Tensor, grid: tuple[int, int]) -> Tensor:
        cells = (grid[0] // self.reduction) * (grid[1] // self.reduction)
        visual = text_mask.new_ones(len(text_mask), cells)
        return torch.cat([visual, text_mask], dim=1)[:, None, None]


class Encoder(nn.Module):
    """The four stages; arguments as in `MVLT`. Stochastic depth grows linearly from zero (PVT)."""

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        embed_dims: list[int],
        depths: list[int],
        num_heads: list[int],
        mlp_ratios: list[int],
        sr_ratios: list[int],
        drop_path: float,
        max_tokens: int,
        text_width: int,
    ) -> None:
        super().__init__()
        rates = torch.linspace(0, drop_path, sum(depths), device="cpu").tolist()
        ends = list(accumulate(depths))
        self.stages = nn.ModuleList(
            Stage(
                index=k,
                channels=embed_dims[k - 1] if k else 3,
                text_channels=embed_dims[k - 1] if k else text_width,
                width=embed_dims[k],
                heads=num_heads[k],
                mlp_ratio=mlp_ratios[k],
                reduction=sr_ratios[k],
                drop_paths=rates[ends[k] - depths[k] : ends[k]],
                patch=2 if k else patch_size,
                side=image_size // (patch_size * 2**k),
                max_tokens=max_tokens,
            )
            for k in range(STAGES)
        )
        self.apply(init_transformer_weights)

    @property
    def levels(self) -> list[Stage]:
        """The stages, typed."""
        return [cast(Stage, stage) for stage in self.stages]

    @property
    def image_size(self) -> int:
        """Pixels of the square image that the position tables now held are made for."""
        return self.levels[0].side * self.levels[0].patch

    def forward(
        self,
        pixel_values: Tensor,
        text: Tensor | None,
        text_mask: Tensor | None = None,
        states: Need = "all",
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Run every stage, arguments as in `Stage`; `states` applies to the last.

        Returns:
            V^1..V^4 (without V^4 unless all states are asked for) and T^1..T^4 (none without text).

        Raises:
            InputError: the image is smaller than one cell of stage 4.
        """
        coarsest = math.prod(stage.patch for stage in self.levels)
        if min(pixel_values.shape[2:]) < coarsest:
            size = "x".join(map(str, pixel_values.shape[2:]))
            raise InputError(
                f"pixel_values: an image of {size} is smaller than one stage-4 cell, {coarsest} px"
            )
        visual, maps, texts = pixel_values, [], []
        for stage in self.levels:
            last = stage is self.levels[-1]
            visual, text = stage(visual, text, text_mask, states if last else "all")
            if visual is not None:
                maps.append(visual)
            if text is not None:
                texts.append(text)
        return maps, texts

    def text_states(
        self, text: Tensor, text_mask: Tensor | None = None, states: Need = "all"
    ) -> list[Tensor]:
        """Encode captions alone: T^1..T^4 of word embeddings `[B, L, D_text]`, arguments as in `forward`."""
        texts = []
        for stage in self.levels:
            text = stage.encode_text(text, text_mask, states if stage is self.levels[-1] else "all")
            texts.append(text)
        return texts


def resize_positions(table: Tensor, grid: tuple[int, int]) -> Tensor:
    """Resize a square position table `[1, side*side, D]` bilinearly to `[1, H*W, D]` (released code)."""
    side = math.isqrt(table.shape[1])
    cells = table.transpose(1, 2).unflatten(2, (side, side))
    return F.interpolate(cells, size=grid, mode="bilinear").flatten(2).transpose(1, 2)


def check_pyramid(image_size: int, patch_size: int, sr_ratios: list[int], **per_stage: list[int]) -> None:
    """Check that the sizes of a pyramid fit together.

    Args:
        image_size: pixels.
        patch_size: pixels of a stage-1 patch.
        sr_ratios: spatial reduction a stage.
        per_stage: the other lists of four, `embed_dims` and `num_heads` among them.

    Raises:
        InputError: naming the argument that is wrong.
    """
    for name, values in {**per_stage, "sr_ratios": sr_ratios}.items():
        if len(values) != STAGES or min(values) < 1:
            raise InputError(f"{name}: {values} is not a list of {STAGES} positive numbers, one a stage")
    for width, heads in zip(per_stage["embed_dims"], per_stage["num_heads"], strict=True):
        if width % heads:
            raise InputError(f"num_heads: {heads} does not divide the stage's width in embed_dims, {width}")
    coarsest = patch_size * 2 ** (STAGES - 1)
    if image_size < coarsest or image_size % coarsest:
        raise InputError(
            f"image_size: {image_size} is not a multiple of {coarsest}, a stage-4 cell in pixels"
        )
    for index, ratio in enumerate(sr_ratios):
        side = image_size // (patch_size * 2**index)
        if ratio > side:
            raise InputError(f"sr_ratios: {ratio} exceeds the {side}x{side} grid of stage {index + 1}")
