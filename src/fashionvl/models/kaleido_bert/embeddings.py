"""Kaleido patches to tokens (Kaleido-BERT section 3.5; where it says "FC", the released code has no bias)."""

import torch
from torch import Tensor, nn

from fashionvl.data.records import Patches
from fashionvl.errors import InputError
from fashionvl.models.blocks.transformer import BERT_NORM_EPS
from fashionvl.patches.grid import KaleidoGrid

POSITION_NUMBERS = 5  # x1, x2, y1, y2, w * h of a patch


class LevelEmbeddings(nn.Module):
    """Feature + type + position, then a LayerNorm; one for every level (released code).

    A patch's type says its level, `I` for image in the paper's footnote 5. As every level has a table of its
    own, the default type is no more than a bias of the level.

    Args:
        level: the type its patches have unless told otherwise.
        feature_width: of the patch features; 2048 in ResNet-50.
        width: H.
        types: rows of the type table. A type beyond them has a zero vector: the released code looks types up
            by a one-hot product, and with its default of 2 rows levels 2 to 5 have none.
    """

    def __init__(self, level: int, feature_width: int, width: int, types: int) -> None:
        super().__init__()
        self.level = level
        self.projector = nn.Linear(feature_width, width, bias=False)
        self.types = nn.Parameter(torch.zeros(types, width))
        self.norm = nn.LayerNorm(width, eps=BERT_NORM_EPS)

    def forward(self, features: Tensor, positions: Tensor, types: Tensor | None) -> Tensor:
        """Embed the patches of one level.

        Args:
            features: `[B, n, D]`.
            positions: `[B, n, H]`, projected.
            types: `[B, n]` int64; None is the level everywhere.

        Returns:
            `[B, n, H]`.
        """
        rows = torch.arange(len(self.types), device=features.device)
        asked = rows == (self.level if types is None else types[..., None])
        chosen = asked.to(self.types.dtype) @ self.types
        return self.norm(self.projector(features) + positions + chosen)


class PatchEmbeddings(nn.Module):
    """All levels: dropout on the raw features, an embedding a level, one shared projection of the boxes.

    Args:
        grid: the levels.
        feature_width: D.
        width: H.
        types: rows of every type table.
        dropout: on the features and again on the embeddings (released code).
        blank_level: the level in which patches can be blanked.
    """

    def __init__(
        self, grid: KaleidoGrid, feature_width: int, width: int, types: int, dropout: float, blank_level: int
    ) -> None:
        super().__init__()
        self.grid, self.feature_width, self.blank_level = grid, feature_width, blank_level
        self.position = nn.Linear(POSITION_NUMBERS, width, bias=False)
        self.levels = nn.ModuleDict(
            {str(level): LevelEmbeddings(level, feature_width, width, types) for level in grid.levels}
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, patches: Patches, types: Tensor | None = None, blank: Tensor | None = None) -> Tensor:
        """Embed the patches of B photographs.

        Args:
            patches: features `[B, P, D]` of any float type, boxes `[B, P, 5]`.
            types: `[B, P]` int64; None is every patch's level.
            blank: `[B, k]` int64, patches inside the blank level whose features become zero; their position
                and type stay.

        Returns:
            `[B, P, H]`.

        Raises:
            InputError: the patches are not of this grid and width, or blanks are asked of an absent level.
        """
        self._check(patches)
        features = patches.features.to(self.position.weight.dtype)
        if blank is not None:
            features = features.masked_fill(self._blanked(blank, features)[..., None], 0)
        features = self.dropout(features)
        # In pixels, the area of a whole frame is beyond float16, and large numbers are coarse in bfloat16.
        with torch.autocast(features.device.type, enabled=False):
            positions = self.position(patches.boxes.to(self.position.weight.dtype))
        embedded = []
        for level in self.grid.levels:
            span = self.grid.span(level)
            chosen = None if types is None else types[:, span]
            embedded.append(self.levels[str(level)](features[:, span], positions[:, span], chosen))
        return self.dropout(torch.cat(embedded, dim=1))

    def _blanked(self, blank: Tensor, features: Tensor) -> Tensor:
        """Mark the blank patches, `[B, P]`.

        The released code multiplies by one minus a sum of one-hot rows, so that an index given twice turns
        the sign of the features; here it blanks like any other.
        """
        rows = blank + self.grid.span(self.blank_level).start
        hidden = torch.zeros(features.shape[:2], dtype=torch.bool, device=features.device)
        return hidden.scatter(1, rows, True)

    def _check(self, patches: Patches) -> None:
        expected = (self.grid.patches, self.feature_width)
        if tuple(patches.features.shape[1:]) != expected:
            raise InputError(
                f"patches.features: {list(patches.features.shape[1:])} a photograph, but the network has "
                f"{expected[0]} patches (levels) of patch_width {expected[1]}"
            )
