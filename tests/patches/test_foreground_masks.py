"""Foregrounds found without learning: drawn garments on white, and frames that hold one class only."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.patches.foreground import BAND, SPECK, grabcut_mask, mask_box, threshold_mask, without_specks

METHODS = [threshold_mask, grabcut_mask]
SIDE = 96


def _frame(colour=255, side=SIDE):
    return np.full((side, side, 3), colour, np.uint8)


def _garment(colours, seed=0):
    """A shirt of stripes with a soft outline and compression noise; and where it is."""
    truth = np.zeros((SIDE, SIDE), np.uint8)
    outline = np.array([[20, 15], [76, 15], [90, 45], [74, 50], [70, 85], [28, 85], [22, 50], [6, 45]])
    cv2.fillPoly(truth, [outline], 1)
    stripes = np.array(colours, np.uint8)[np.arange(SIDE) // 12 % len(colours)]
    image = np.where(truth[..., None] == 1, stripes[:, None], 255).astype(np.uint8)
    noise = np.random.default_rng(seed).integers(-2, 3, image.shape)
    image = np.clip(cv2.GaussianBlur(image, (3, 3), 0) + noise, 0, 255).astype(np.uint8)
    return image, truth == 1


def _iou(one, other):
    return (one & other).sum() / (one | other).sum()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "colours",
    [[(200, 20, 30)], [(15, 15, 15)], [(245, 240, 215)], [(245, 240, 215), (20, 20, 30)]],
    ids=["red", "black", "cream", "cream and black"],
)
def test_a_garment_on_white_is_found_whole(method, colours):
    image, truth = _garment(colours)
    before = image.copy()
    mask = method(image)
    assert mask.dtype == np.bool_
    assert _iou(mask, truth) > 0.92
    assert np.array_equal(image, before)


@settings(max_examples=40, deadline=None)
@given(
    left=st.integers(0, 60), top=st.integers(0, 60), width=st.integers(8, 36), height=st.integers(8, 36),
    colour=st.tuples(*[st.integers(0, 240)] * 3),
)  # fmt: skip
def test_a_sharp_rectangle_is_found_to_the_pixel(left, top, width, height, colour):
    image = _frame()
    image[top : top + height, left : left + width] = colour
    expected = np.zeros((SIDE, SIDE), bool)
    expected[top : top + height, left : left + width] = True
    mask = threshold_mask(image)
    assert np.array_equal(mask, expected)
    assert mask_box(mask) == (left, top, left + width, top + height)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("image", [_frame(), _frame(253), _garment([(255, 255, 255)])[0]])
def test_a_frame_without_foreground_has_an_empty_mask_and_the_whole_frame_as_box(method, image):
    mask = method(image)
    assert not mask.any()
    assert mask_box(mask) == (0, 0, SIDE, SIDE)


@pytest.mark.parametrize("method", METHODS)
def test_a_close_up_that_fills_the_frame_is_all_foreground(method):
    image = _frame(40)
    image[:, ::7] = 150
    assert method(image).all()


def test_specks_are_removed_and_small_holes_filled_but_large_ones_kept():
    mask = np.zeros((100, 100), bool)
    smallest = int(SPECK * mask.size)
    mask[20:80, 20:80] = True
    expected = mask.copy()
    mask[5, 5 : 5 + smallest - 1] = True
    mask[25, 25 : 25 + smallest - 1] = False
    mask[40:60, 40:60] = expected[40:60, 40:60] = False
    assert np.array_equal(without_specks(mask), expected)
    assert mask_box(without_specks(mask)) == (20, 20, 80, 80)


def test_grabcut_decides_in_the_band_alone():
    image, _ = _garment([(120, 90, 200), (230, 220, 90)], seed=3)
    start = threshold_mask(image)
    kernel = np.ones((BAND, BAND), np.uint8)
    bytes_ = start.astype(np.uint8)
    band = cv2.dilate(bytes_, kernel) != cv2.erode(bytes_, kernel)
    changed = grabcut_mask(image) != start
    assert not (changed & ~band).any()


def test_grabcut_does_not_depend_on_what_was_cut_before():
    image, _ = _garment([(90, 140, 60), (200, 40, 40)], seed=1)
    first = grabcut_mask(image)
    grabcut_mask(_garment([(10, 40, 160)], seed=2)[0])
    assert np.array_equal(grabcut_mask(image), first)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(1, 20), width=st.integers(1, 20))
def test_the_box_of_a_mask_is_tight(seed, height, width):
    mask = np.random.default_rng(seed).random((height, width)) < 0.1
    x0, y0, x1, y1 = mask_box(mask)
    if not mask.any():
        assert (x0, y0, x1, y1) == (0, 0, width, height)
        return
    assert mask[y0:y1, x0:x1].sum() == mask.sum()
    for edge in (mask[y0, x0:x1], mask[y1 - 1, x0:x1], mask[y0:y1, x0], mask[y0:y1, x1 - 1]):
        assert edge.any()
