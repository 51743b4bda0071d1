"""Photographs of several sizes side by side, for the report's pictures."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

LARGEST = 512
"""Height and width in pixels that photographs of several sizes are brought to at most; the report's pictures
show them at 256 or less."""


@dataclass(frozen=True)
class Shown:
    """N photographs of one size: as stored where they are of one, else scaled and centred on white squares.

    Attributes:
        images: `[N, H, W, 3]` uint8.
        scale: `[N]` of each, 1 as stored.
        corner: `[N, 2]` x and y in pixels where each begins.
        sizes: `[N, 2]` width and height in pixels before.
    """

    images: np.ndarray
    scale: np.ndarray
    corner: np.ndarray
    sizes: np.ndarray

    def boxes(self, boxes: np.ndarray) -> np.ndarray:
        """Boxes `[N, 4]` in pixels of the photographs, where they are shown; int64, ends exclusive."""
        moved = np.asarray(boxes) * self.scale[:, None] + np.tile(self.corner, 2)
        return moved.round().astype(np.int64)

    def regions(self, regions: np.ndarray) -> np.ndarray:
        """Regions `[N, K, 4]`, fractions of the photographs, as fractions of what is shown."""
        height, width = self.images.shape[1:3]
        pixels = regions * np.tile(self.sizes * self.scale[:, None], 2)[:, None]
        fractions = (pixels + np.tile(self.corner, 2)[:, None]) / (width, height, width, height)
        return fractions.astype(regions.dtype)


def shown(photographs: Iterable[np.ndarray]) -> Shown:
    """Bring photographs `[H, W, 3]` uint8 to one size, at least one of them."""
    images = list(photographs)
    sizes = np.array([(image.shape[1], image.shape[0]) for image in images])
    if (sizes == sizes[0]).all():
        return Shown(np.stack(images), np.ones(len(images)), np.zeros((len(images), 2), np.int64), sizes)
    side = min(int(sizes.max()), LARGEST)
    scale = side / sizes.max(axis=1)
    fitted = np.maximum((sizes * scale[:, None]).round().astype(int), 1)
    corner = (side - fitted) // 2
    canvas = np.full((len(images), side, side, 3), 255, np.uint8)
    for place, image, (width, height), (x, y) in zip(
        canvas, images, fitted.tolist(), corner.tolist(), strict=True
    ):
        shrinks = width < image.shape[1]
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        place[y : y + height, x : x + width] = cv2.resize(image, (width, height), interpolation=how)
    return Shown(canvas, scale, corner, sizes)
