"""Assignment of image regions to patches."""

import numpy as np

from fashionvl.patches.grid import Box, KaleidoGrid


def best_patches(
    regions: np.ndarray,
    grid: KaleidoGrid,
    box: Box | np.ndarray,
    frame: tuple[int, int] | np.ndarray,
    levels: tuple[int, ...] = (3, 4, 5),
) -> np.ndarray:
    """The patch of each level that covers most of each region (Kaleido-BERT section 3.3, Fig. 4).

    The paper speaks of "the overlap area of image regions and kaleido patches" without a threshold: here any
    overlap counts, the largest wins, and of equal ones the first in the level.

    Args:
        regions: `[K, 4]` x0, y0, x1, y1 as fractions of the frame, in [0, 1].
        grid: the patches.
        box: around the product, which the patches split; `[K, 4]` for regions of several photographs.
        frame: width and height of the photograph in pixels; `[K, 2]` for regions of several photographs.
        levels: of the patches; 3, 4 and 5 are the ones that are masked (section 3.4).

    Returns:
        `[K, len(levels)]` int64; number of the patch in its level, -1 where the region misses the box.

    Raises:
        InputError: the grid lacks a level, or a level is larger than the box in pixels.
    """
    patches = grid.boxes(box)
    pixels = np.asarray(regions, np.float64).reshape(-1, 1, 4)
    pixels = pixels * np.asarray(frame)[..., None, [0, 1, 0, 1]]
    sides = np.minimum(pixels[..., 2:], patches[..., 2:]) - np.maximum(pixels[..., :2], patches[..., :2])
    areas = np.clip(sides, 0, None).prod(axis=-1)
    best = np.full((len(areas), len(levels)), -1, np.int64)
    for place, level in enumerate(levels):
        overlap = areas[:, grid.span(level)]
        best[:, place] = np.where(overlap.any(axis=1), overlap.argmax(axis=1), -1)
    return best
