"""The foreground box, beside Pillow's own operations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fashionvl.data.index.foreground import nonwhite_box


def _released_box(image):
    """The rule of the released code with inclusive ends: extremes of the black pixels of the 1-bit image."""
    rows, columns = np.nonzero(~np.array(Image.fromarray(image).convert("1")))
    return columns.min(), rows.min(), columns.max(), rows.max()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_box_is_the_released_one_and_keeps_its_last_row_and_column(seed, height, width, coloured):
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), 255, np.uint8)
    y0, x0 = rng.integers(0, height), rng.integers(0, width)
    y1, x1 = rng.integers(y0, height) + 1, rng.integers(x0, width) + 1
    if coloured:
        image[y0:y1, x0:x1] = rng.integers(0, 254, (y1 - y0, x1 - x0, 3))
    else:
        image[y0:y1, x0:x1] = 0
    if np.array(Image.fromarray(image).convert("1")).all():
        assert nonwhite_box(image) == (0, 0, width, height)
        return
    left, top, right, bottom = _released_box(image)
    assert nonwhite_box(image) == (left, top, right + 1, bottom + 1)
    if not coloured:
        assert nonwhite_box(image) == (x0, y0, x1, y1)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), threshold=st.integers(1, 255))
def test_threshold_box_is_tight(seed, threshold):
    rng = np.random.default_rng(seed)
    image = np.repeat(rng.integers(0, 256, (12, 9, 1), np.uint8), 3, axis=2)
    image[rng.random((12, 9)) < 0.8] = 255
    x0, y0, x1, y1 = nonwhite_box(image, threshold)
    dark = image[..., 0] < threshold
    if not dark.any():
        assert (x0, y0, x1, y1) == (0, 0, 9, 12)
        return
    assert dark[y0:y1, x0:x1].sum() == dark.sum()
    for edge in (dark[y0, x0:x1], dark[y1 - 1, x0:x1], dark[y0:y1, x0], dark[y0:y1, x1 - 1]):
        assert edge.any()


@pytest.mark.parametrize("threshold", [None, 250])
@pytest.mark.parametrize("value", [255, 0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (256, 256)])
def test_blank_images_give_the_whole_frame(threshold, value, shape):
    box = nonwhite_box(np.full((*shape, 3), value, np.uint8), threshold)
    assert box == (0, 0, shape[1], shape[0])
    assert all(type(edge) is int for edge in box)


@pytest.mark.parametrize("threshold", [None, 250])
def test_one_dark_pixel_is_a_box_of_one_pixel(threshold):
    image = np.full((20, 30, 3), 255, np.uint8)
    image[7, 21] = 0
    assert nonwhite_box(image, threshold) == (21, 7, 22, 8)


def test_light_grey_is_foreground():
    image = np.full((64, 64, 3), 255, np.uint8)
    image[16:48, 16:48] = 235
    x0, y0, x1, y1 = nonwhite_box(image)
    assert 16 <= x0 < x1 <= 48
    assert (x1 - x0) * (y1 - y0) > 0.5 * 32 * 32
