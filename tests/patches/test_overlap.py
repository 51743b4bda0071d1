"""The patch a region belongs to, beside counting pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.errors import InputError
from fashionvl.patches.grid import KaleidoGrid
from fashionvl.patches.overlap import best_patches

FRAME = (60, 40)
BOX = (7, 3, 52, 36)
GRID = KaleidoGrid()


def _in_shares(*pixels):
    return np.array(pixels, float) / (*FRAME, *FRAME)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 59), st.integers(0, 39), st.integers(1, 60), st.integers(1, 40))
def test_the_best_patch_covers_most_pixels_of_the_region(x0, y0, width, height):
    x1, y1 = min(x0 + width, 60), min(y0 + height, 40)
    hot = np.zeros((40, 60), bool)
    hot[y0:y1, x0:x1] = True
    (found,) = best_patches(_in_shares([x0, y0, x1, y1]), GRID, BOX, FRAME)
    for level, patch in zip((3, 4, 5), found, strict=True):
        counts = [hot[b:d, a:c].sum() for a, b, c, d in GRID.boxes(BOX)[GRID.span(level)]]
        if max(counts) == 0:
            assert patch == -1
        else:
            assert counts[patch] == max(counts)


def test_every_patch_is_its_own_best():
    for level in GRID.levels:
        patches = GRID.boxes(BOX)[GRID.span(level)]
        found = best_patches(_in_shares(*patches), GRID, BOX, FRAME, (level,))
        np.testing.assert_array_equal(found[:, 0], np.arange(level * level))


def test_a_region_beside_the_box_belongs_to_no_patch():
    beside = _in_shares([0, 0, 7, 40], [0, 36, 60, 40], [52, 3, 60, 36], [20, 20, 20, 30])
    found = best_patches(beside, GRID, BOX, FRAME)
    assert found.dtype == np.int64
    assert found.shape == (4, 3)
    assert (found == -1).all()


def test_no_region_gives_no_patch():
    assert best_patches(np.empty((0, 4), np.float32), GRID, BOX, FRAME).shape == (0, 3)


def test_a_level_that_the_grid_lacks_is_refused():
    with pytest.raises(InputError, match="level 3"):
        best_patches(_in_shares([0, 0, 9, 9]), KaleidoGrid((1, 2)), BOX, FRAME)


def test_regions_of_photographs_of_several_sizes() -> None:
    regions = np.array([[0.5, 0.5, 0.75, 0.75], [0.0, 0.5, 0.25, 0.75]])
    boxes, frames = np.array([[0, 0, 100, 100], [0, 0, 60, 30]]), np.array([[100, 100], [60, 30]])
    together = best_patches(regions, KaleidoGrid((2, 3)), boxes, frames, (2, 3))
    for region, box, frame, found in zip(regions, boxes, frames, together, strict=True):
        alone = best_patches(region[None], KaleidoGrid((2, 3)), tuple(box), tuple(frame), (2, 3))
        assert found.tolist() == alone[0].tolist()
