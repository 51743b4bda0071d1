"""The foreground of a photograph on near white, found without learning.

Kaleido-BERT section 3.2 locks the domain object with a saliency network; these two are what that network is
compared with, and where nobody has drawn masks, what it learns from.
"""

import cv2
import numpy as np
from skimage.filters import threshold_otsu

from fashionvl.patches.grid import Box

NOISE = 6.0
FARTHEST_BACKGROUND = 60.0
"""Euclidean RGB distances from white, chosen by eye: up to the first is compression noise, beyond the second
no background. Otsu's threshold is kept between them, for frames that one of the two classes fills."""

SPECK = 1 / 2000
"""Share of the frame below which a connected region is a speck or a hole; 33 of 256 x 256 pixels."""

GRABCUT_ROUNDS = 3
"""Turns of the alternation between colour models and cut."""

BAND = 7
"""Pixels of 256: width of the band along the threshold's outline that GrabCut decides; the rest is sure."""


def threshold_mask(image: np.ndarray) -> np.ndarray:
    """Otsu's threshold (Otsu 1979, scikit-image) on the logarithm of the distance from white.

    The logarithm keeps Otsu from splitting a garment of two colours instead of garment and background.

    Args:
        image: `[H, W, 3]` uint8 RGB.

    Returns:
        `[H, W]` bool, True on the product, without specks and small holes; empty for a white frame.
    """
    distance = np.sqrt(np.square(255 - image.astype(np.float32)).sum(axis=-1))
    scale = np.log1p(distance)
    # Otsu's method is undefined on a single value, which then lies on one side of the limits or between them.
    found = threshold_otsu(scale) if scale.min() < scale.max() else np.log1p(NOISE)
    mask = scale > np.clip(found, np.log1p(NOISE), np.log1p(FARTHEST_BACKGROUND))
    return without_specks(mask)


def grabcut_mask(image: np.ndarray) -> np.ndarray:
    """GrabCut (Rother, Kolmogorov, Blake 2004; OpenCV) in a band around the threshold's outline.

    Args:
        image: `[H, W, 3]` uint8 RGB.

    Returns:
        `[H, W]` bool; the threshold's own mask where it leaves GrabCut no foreground or no background.
    """
    start = threshold_mask(image)
    labels = _seeds(start)
    if not (_certain(labels, cv2.GC_BGD) and _certain(labels, cv2.GC_FGD)):
        return start
    bgr = np.ascontiguousarray(image[..., ::-1])
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    # OpenCV seeds its mixtures from a generator of its own, which would carry over from image to image.
    cv2.setRNGSeed(0)
    cv2.grabCut(bgr, labels, None, background, foreground, GRABCUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


def without_specks(mask: np.ndarray) -> np.ndarray:
    """A mask `[H, W]` bool with holes smaller than `SPECK` filled and regions smaller than that removed."""
    filled = ~_large_regions(~mask)
    return _large_regions(filled)


def mask_box(mask: np.ndarray) -> Box:
    """The smallest box around a mask `[H, W]` bool; the whole frame when the mask is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0, 0, mask.shape[1], mask.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _large_regions(mask: np.ndarray) -> np.ndarray:
    _, labels, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    large = facts[:, cv2.CC_STAT_AREA] >= SPECK * mask.size
    large[0] = False
    return large[labels]


def _seeds(mask: np.ndarray) -> np.ndarray:
    """GrabCut's labels `[H, W]` uint8: certain away from the outline, probable beside it."""
    width = max(3, round(BAND * max(mask.shape) / 256))
    kernel = np.ones((width, width), np.uint8)
    inside = mask.astype(np.uint8)
    labels = np.where(mask, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[cv2.erode(inside, kernel) == 1] = cv2.GC_FGD
    labels[cv2.dilate(inside, kernel) == 0] = cv2.GC_BGD
    return labels


def _certain(labels: np.ndarray, label: int) -> bool:
    return bool((labels == label).any())
