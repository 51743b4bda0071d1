"""The published sizes of the pyramid."""

from typing import TypedDict

# Shared by every PVT-v1 size; D_k and M_k of "tiny" are Table 1, the rest is released code.
EMBED_DIMS = [64, 128, 320, 512]
NUM_HEADS = [1, 2, 5, 8]
MLP_RATIOS = [8, 8, 4, 4]
SR_RATIOS = [8, 4, 2, 1]
DEPTHS = [2, 2, 2, 2]


class Size(TypedDict):
    """Number of layers of each stage, M_1..M_4, in which the sizes of PVT-v1 differ."""

    depths: list[int]


SIZES: dict[str, Size] = {
    "tiny": {"depths": DEPTHS},
    "small": {"depths": [3, 4, 6, 3]},
    "medium": {"depths": [3, 4, 18, 3]},
    "large": {"depths": [3, 8, 27, 3]},
}
"""Tiny is Table 1, the others are PVT-v1's, as in the released code: `MVLT(**SIZES["small"])`."""
