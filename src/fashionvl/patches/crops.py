"""Cutting photographs: the crop around a box, and everything a feature cache holds of a photograph."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from fashionvl.patches.grid import Box, KaleidoGrid

TURNS = 4
"""Rotations of level 1 that are told apart: 0, 90, 180 and 270 degrees (section 3.6, sub-task I)."""

TURNED, GREYED = 1, 4
"""The levels that sub-tasks I (rotation) and IV (grey-to-colour) change."""


def crop_resize(image: np.ndarray, box: Box, size: int, out: np.ndarray | None = None) -> np.ndarray:
    """Crop to a box and stretch the crop to a square.

    The released code resizes with Pillow's bilinear filter (`torchvision.transforms.Resize`), aspect ratio
    ignored. Enlarging, as in the paper's setting where crops of 256-pixel photographs become 256 pixels
    again, OpenCV's `INTER_LINEAR` gives the same pixels up to rounding at a fraction of the time.
    Shrinking, Pillow widens its filter against aliasing and `INTER_LINEAR` does not; `INTER_AREA` averages
    every source pixel instead. An axis that shrinks is shrunk before the other is enlarged.

    Args:
        image: `[H, W, 3]` uint8.
        box: the part to keep, not empty.
        size: height and width of the result in pixels.
        out: `[size, size, 3]` uint8, contiguous: where to put the result.

    Returns:
        `[size, size, 3]` uint8, contiguous.
    """
    x0, y0, x1, y1 = box
    crop = np.ascontiguousarray(image[y0:y1, x0:x1])
    height, width = crop.shape[:2]
    if height > size or width > size:
        crop = cv2.resize(crop, (min(width, size), min(height, size)), interpolation=cv2.INTER_AREA)
    if crop.shape[:2] != (size, size):
        return np.asarray(cv2.resize(crop, (size, size), dst=out, interpolation=cv2.INTER_LINEAR))
    if out is None:
        return crop
    out[:] = crop
    return out


@dataclass(frozen=True)
class Variants:
    """Every crop of a photograph that the AKPM sub-tasks ask for (Kaleido-BERT section 3.6).

    In order: the plain patches of the grid; level 1 by one, two and three quarter turns; level 4 in grey.
    The other sub-tasks need no crop of their own: a jigsaw permutes plain patches, camouflage takes another
    product's plain patch, a blank one is zeros. A grid without level 1 or 4 has no rotations or greys.

    Attributes:
        grid: the patches.
    """

    grid: KaleidoGrid

    @cached_property
    def _made(self) -> np.ndarray:
        """`[V, 3]` for each variant: the plain patch it is made of, quarter turns, whether grey."""
        plain = np.arange(self.grid.patches)
        turned = plain[self._span(TURNED)].repeat(TURNS - 1)
        greyed = plain[self._span(GREYED)]
        made = np.zeros((len(plain) + len(turned) + len(greyed), 3), np.int64)
        made[:, 0] = np.concatenate([plain, turned, greyed])
        made[len(plain) : len(plain) + len(turned), 1] = np.arange(1, len(turned) + 1)
        made[len(plain) + len(turned) :, 2] = 1
        return made

    def _span(self, level: int) -> slice:
        return self.grid.span(level) if level in self.grid.levels else slice(0)

    @property
    def count(self) -> int:
        """Crops of a photograph; 55 + 3 + 16 = 74 for levels 1 to 5."""
        return len(self._made)

    def plain(self, level: int) -> np.ndarray:
        """`[level * level]` where a level's plain patches are.

        Raises:
            InputError: the grid has no such level.
        """
        return np.arange(self.grid.patches)[self.grid.span(level)]

    def rotated(self, turns: np.ndarray | int) -> np.ndarray:
        """Return the variant that holds the level-1 patch after quarter turns against the clock.

        Args:
            turns: 0 (plain) to 3, of any shape.

        Returns:
            int64 of the same shape.

        Raises:
            InputError: the grid has no level 1.
        """
        places = np.append(self.plain(TURNED), self.grid.patches + np.arange(TURNS - 1))
        return np.asarray(places[turns])

    def grey(self) -> np.ndarray:
        """`[16]` where the grey patches of level 4 are.

        Raises:
            InputError: the grid has no level 4.
        """
        return np.arange(self.count)[-len(self.plain(GREYED)) :]

    def cut(self, image: np.ndarray, box: Box, size: int, which: np.ndarray | None = None) -> np.ndarray:
        """The crops of one photograph.

        Grey is the luma of ITU-R BT.601 (0.299 R + 0.587 G + 0.114 B) in all three channels, taken of the
        resized crop. The paper names no rule and the released code starts from finished features; the choice
        is ours.

        Args:
            image: `[H, W, 3]` uint8 RGB.
            box: around the product.
            size: height and width of a crop in pixels.
            which: `[K]` the variants wanted; None: all.

        Returns:
            `[K, size, size, 3]` uint8.

        Raises:
            InputError: the box has fewer pixels than a level has patches.
        """
        patch, turns, grey = (self._made if which is None else self._made[which]).T
        patches, place = np.unique(patch, return_inverse=True)
        boxes: list[Box] = [tuple(sides) for sides in self.grid.boxes(box)[patches].tolist()]
        plain = np.empty((len(boxes), size, size, 3), np.uint8)
        for crop, sides in zip(plain, boxes, strict=True):
            crop_resize(image, sides, size, crop)
        crops = plain[place]
        for number in np.flatnonzero(turns):
            crops[number] = np.rot90(crops[number], turns[number])
        if grey.any():
            crops[grey > 0] = _luma(crops[grey > 0])
        return crops


def _luma(crops: np.ndarray) -> np.ndarray:
    """`[K, S, S, 1]` uint8 of `[K, S, S, 3]`, as ITU-R BT.601 weighs the colours."""
    stacked = crops.reshape(-1, crops.shape[2], 3)
    return cv2.cvtColor(stacked, cv2.COLOR_RGB2GRAY).reshape(*crops.shape[:3], 1)
