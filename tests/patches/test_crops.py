"""Crops beside Pillow's, and the variants that a cache holds of a photograph."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fashionvl.errors import InputError
from fashionvl.patches.crops import Variants, crop_resize
from fashionvl.patches.grid import KaleidoGrid


def _photograph(height, width):
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 9 + phase) * np.cos(y / 7) for phase in (0, 1, 2)]
    return (127 + 120 * np.stack(waves, axis=-1)).astype(np.uint8)


@pytest.mark.parametrize("box", [(10, 20, 120, 250), (0, 0, 256, 256), (5, 5, 6, 6), (100, 3, 103, 200)])
def test_enlarging_gives_pillow_s_pixels(box):
    image = _photograph(256, 256)
    expected = Image.fromarray(image).crop(box).resize((256, 256), Image.Resampling.BILINEAR)
    result = crop_resize(image, box, 256)
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous
    assert np.abs(result.astype(int) - np.array(expected)).max() <= 1


@pytest.mark.parametrize("box", [(0, 0, 256, 256), (30, 10, 200, 256), (100, 0, 120, 256), (0, 50, 256, 90)])
def test_shrinking_stays_close_to_pillow(box):
    image = _photograph(256, 256)
    expected = Image.fromarray(image).crop(box).resize((64, 64), Image.Resampling.BILINEAR)
    difference = np.abs(crop_resize(image, box, 64).astype(int) - np.array(expected))
    assert difference.mean() < 3


def test_shrinking_averages_stripes_instead_of_picking_them():
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 254
    assert np.abs(crop_resize(stripes, (0, 0, 256, 256), 64).astype(int) - 127).max() <= 1


def test_the_crop_is_the_box():
    image = np.zeros((40, 40, 3), np.uint8)
    image[10:20, 5:30] = (9, 8, 7)
    assert (crop_resize(image, (5, 10, 30, 20), 16) == (9, 8, 7)).all()
    assert np.array_equal(crop_resize(image, (0, 0, 40, 40), 40), image)


PAPER = Variants(KaleidoGrid())
BOX = (11, 20, 97, 121)

grids = st.lists(st.integers(1, 6), min_size=1, max_size=6, unique=True).map(
    lambda levels: KaleidoGrid(tuple(levels))
)


@settings(max_examples=60, deadline=None)
@given(grid=grids)
def test_every_variant_has_one_name(grid):
    variants = Variants(grid)
    named = [variants.plain(level) for level in grid.levels]
    if 1 in grid.levels:
        assert variants.rotated(0) == variants.plain(1)[0]
        named.append(variants.rotated(np.array([1, 2, 3])))
    if 4 in grid.levels:
        named.append(variants.grey())
    np.testing.assert_array_equal(np.sort(np.concatenate(named)), np.arange(variants.count))
    np.testing.assert_array_equal(
        np.concatenate([variants.plain(level) for level in grid.levels]), np.arange(grid.patches)
    )


def test_the_paper_s_grid_has_74_variants():
    assert PAPER.count == 55 + 3 + 16


def test_plain_variants_are_crops_of_the_patches():
    image = _photograph(128, 128)
    cut = PAPER.cut(image, BOX, 16)
    assert cut.shape == (74, 16, 16, 3)
    assert cut.dtype == np.uint8
    for place, patch in enumerate(PAPER.grid.boxes(BOX)):
        np.testing.assert_array_equal(cut[place], crop_resize(image, tuple(patch), 16))


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_rotations_turn_the_plain_level_1_crop(turns):
    cut = PAPER.cut(_photograph(128, 128), BOX, 16)
    np.testing.assert_array_equal(cut[PAPER.rotated(turns)], np.rot90(cut[PAPER.plain(1)[0]], turns))


def test_grey_crops_have_the_luma_of_the_plain_ones():
    rng = np.random.default_rng(0)
    cut = PAPER.cut(rng.integers(0, 256, (128, 128, 3), np.uint8), BOX, 16)
    grey, plain = cut[PAPER.grey()], cut[PAPER.plain(4)]
    np.testing.assert_array_equal(grey, grey[..., :1].repeat(3, axis=-1))
    luma = plain @ np.array([0.299, 0.587, 0.114])
    assert np.abs(grey[..., 0] - luma).max() <= 1


@settings(max_examples=30, deadline=None)
@given(which=st.lists(st.integers(0, 73), max_size=12))
def test_some_variants_are_those_of_all(which):
    image = _photograph(64, 48)
    which = np.array(which, np.int64)
    some = PAPER.cut(image, (3, 4, 40, 60), 8, which)
    np.testing.assert_array_equal(some, PAPER.cut(image, (3, 4, 40, 60), 8)[which])


def test_grids_without_levels_1_and_4_have_nothing_to_turn_or_grey():
    variants = Variants(KaleidoGrid((2, 3)))
    assert variants.count == 13
    with pytest.raises(InputError, match="level 1"):
        variants.rotated(1)
    with pytest.raises(InputError, match="level 4"):
        variants.grey()


def test_a_box_smaller_than_a_level_is_refused():
    with pytest.raises(InputError, match="level 5"):
        PAPER.cut(_photograph(32, 32), (0, 0, 4, 32), 8)
