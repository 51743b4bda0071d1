"""The layers of MVLT's pyramid: patches to tokens, and blocks with spatially reduced attention."""

from typing import cast

import torch
from torch import Tensor, nn

from fashionvl.models.blocks.attention import attend
from fashionvl.models.blocks.recomputing import recomputed
from fashionvl.models.blocks.transformer import activate

EVERY = slice(None)
BLOCK_NORM_EPS = 1e-6  # released code; its other LayerNorms outside BERT have PyTorch's default, 1e-5


class DropPath(nn.Module):
    """Stochastic depth (Huang et al., 2016): drops a sample's residual branch with probability `rate`."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, branch: Tensor) -> Tensor:
        """Return `[B, ...]` with dropped samples at zero and kept ones scaled to the same expectation."""
        if not self.training or self.rate == 0:
            return branch
        keep = 1 - self.rate
        kept = branch.new_empty([len(branch)] + [1] * (branch.dim() - 1)).bernoulli_(keep)
        return branch * kept.div_(keep)

    def extra_repr(self) -> str:
        """The rate, for printed models."""
        return f"rate={self.rate:.3f}"


class PatchEmbedding(nn.Module):
    """Non-overlapping patches to tokens: a convolution with K_k = S_k (Table 1) and a LayerNorm."""

    def __init__(self, channels: int, width: int, patch: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(channels, width, kernel_size=patch, stride=patch)
        self.norm = nn.LayerNorm(width)

    def forward(self, image: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Tokens `[B, H*W, D]` of an image or map `[B, C, patch*H, patch*W]`, and the grid `(H, W)`."""
        cells = self.projection(image)
        return self.norm(cells.flatten(2).transpose(1, 2)), (cells.shape[2], cells.shape[3])


class SpatialReductionAttention(nn.Module):
    """Multi-head attention with visual keys and values shrunk by a strided convolution (PVT, section 3.3).

    Text tokens join keys and values at full length (released code; the paper's "reduce block").

    Attributes:
        fused: see `attend`.
    """

    def __init__(self, width: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.fused = True
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.output = nn.Linear(width, width)
        self.reduction: nn.Conv2d | None = None
        if reduction > 1:
            self.reduction = nn.Conv2d(width, width, kernel_size=reduction, stride=reduction)
            self.reduction_norm = nn.LayerNorm(width)

    def forward(
        self, tokens: Tensor, grid: tuple[int, int], key_mask: Tensor | None, wanted: slice = EVERY
    ) -> Tensor:
        """Let tokens attend to all tokens.

        Args:
            tokens: `[B, H*W + L, D]`, the visual ones first.
            grid: `(H, W)`; `(0, 0)` where there is only text.
            key_mask: `[B, 1, 1, keys]` bool, True on the keys that are read; None reads all.
            wanted: the tokens that attend.

        Returns:
            `[B, wanted, D]`.
        """
        batch, _, width = tokens.shape
        query = self.query(tokens[:, wanted]).unflatten(2, (self.heads, -1)).transpose(1, 2)
        key_value = self.key_value(self._reduce(tokens, grid))
        key, value = key_value.view(batch, -1, 2, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = attend(query, key, value, key_mask, fused=self.fused)
        return self.output(mixed.transpose(1, 2).flatten(2))

    def _reduce(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        cells = grid[0] * grid[1]
        if self.reduction is None or not cells:
            return tokens
        visual = self.reduction(tokens[:, :cells].transpose(1, 2).unflatten(2, grid))
        visual = self.reduction_norm(visual.flatten(2).transpose(1, 2))
        return torch.cat([visual, tokens[:, cells:]], dim=1)


class Block(nn.Module):
    """Pre-norm transformer layer with spatial-reduction attention (section 3.1).

    Attributes:
        recompute: see `recomputed`.
        in_place: see `activate`.
    """

    def __init__(self, width: int, heads: int, mlp_ratio: int, reduction: int, drop_path: float) -> None:
        super().__init__()
        self.recompute, self.in_place = False, True
        self.norm1 = nn.LayerNorm(width, eps=BLOCK_NORM_EPS)
        self.attention = SpatialReductionAttention(width, heads, reduction)
        self.norm2 = nn.LayerNorm(width, eps=BLOCK_NORM_EPS)
        # Indexed, not called: `_narrow` may write GELU over its input.
        self.mlp = nn.Sequential(
            nn.Linear(width, mlp_ratio * width), nn.GELU(), nn.Linear(mlp_ratio * width, width)
        )
        self.drop_path = DropPath(drop_path)

    def forward(
        self, tokens: Tensor, grid: tuple[int, int], key_mask: Tensor | None, wanted: slice = EVERY
    ) -> Tensor:
        """Update the wanted of `tokens [B, H*W + L, D]`; arguments as in `SpatialReductionAttention`."""
        mixed = self.attention(self.norm1(tokens), grid, key_mask, wanted)
        tokens = tokens[:, wanted] + self.drop_path(mixed)
        hidden = self.mlp[0](self.norm2(tokens))
        return tokens + self.drop_path(recomputed(self._narrow, hidden, self.recompute))

    @property
    def hidden(self) -> int:
        """Width of the MLP's hidden layer."""
        return cast(nn.Linear, self.mlp[0]).out_features

    def _narrow(self, hidden: Tensor) -> Tensor:
        result: Tensor = self.mlp[2](activate(hidden, "gelu", self.in_place))
        return result
