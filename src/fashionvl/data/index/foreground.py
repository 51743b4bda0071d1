"""Foreground boxes of garments photographed on white."""

import cv2
import numpy as np
from PIL import Image, ImageChops

from fashionvl.patches.grid import Box


def nonwhite_box(image: np.ndarray, threshold: int | None = None) -> Box:
    """The smallest box around everything that is not white.

    Source: released MVLT code, `rgb_loader` of `mcloader/fashion_gen.py`, which takes the black pixels of
    Pillow's 1-bit conversion of the photograph at its stored resolution. That conversion is not a plain
    threshold: it diffuses the rounding error (Floyd-Steinberg on ITU-R 601-2 luma), so light grey areas leave
    scattered black pixels and belong to the foreground. Two departures: the released code takes the last
    foreground row and column as exclusive ends and thus loses them, and it crashes on an all-white
    photograph.

    Args:
        image: `[H, W, 3]` uint8 RGB.
        threshold: None for the rule above; otherwise every pixel with luma below it (1..255) is foreground.

    Returns:
        The box; the whole frame when there is no foreground.
    """
    height, width = image.shape[:2]
    if threshold is None:
        black = ImageChops.invert(Image.fromarray(image).convert("1"))
        return black.getbbox() or (0, 0, width, height)
    foreground = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) < threshold
    rows, columns = np.flatnonzero(foreground.any(axis=1)), np.flatnonzero(foreground.any(axis=0))
    if not len(rows):
        return 0, 0, width, height
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
