"""Places of patches: exact tilings, positions, boxes that grow."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fashionvl.errors import InputError
from fashionvl.patches.grid import KaleidoGrid, grown

FRAME = (90, 70)


@st.composite
def boxes(draw, smallest=1):
    width, height = draw(st.integers(smallest, FRAME[0])), draw(st.integers(smallest, FRAME[1]))
    x0, y0 = draw(st.integers(0, FRAME[0] - width)), draw(st.integers(0, FRAME[1] - height))
    return x0, y0, x0 + width, y0 + height


grids = st.lists(st.integers(1, 8), min_size=1, max_size=6, unique=True).map(
    lambda levels: KaleidoGrid(tuple(levels))
)


def test_the_paper_s_grid_has_55_patches_level_by_level():
    grid = KaleidoGrid()
    assert grid.patches == 55
    assert [grid.span(level) for level in grid.levels] == [
        slice(0, 1), slice(1, 5), slice(5, 14), slice(14, 30), slice(30, 55)
    ]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(grid=grids, box=boxes(smallest=8))
def test_patches_of_each_level_tile_the_box_exactly(grid, box):
    found = grid.boxes(box)
    assert found.shape == (grid.patches, 4)
    assert found.dtype == np.int32
    inside = np.zeros((FRAME[1], FRAME[0]), int)
    inside[box[1] : box[3], box[0] : box[2]] = 1
    for level in grid.levels:
        covered = np.zeros_like(inside)
        for x0, y0, x1, y1 in found[grid.span(level)]:
            assert x0 < x1
            assert y0 < y1
            covered[y0:y1, x0:x1] += 1
        np.testing.assert_array_equal(covered, inside)


@settings(max_examples=100, deadline=None)
@given(grid=grids, box=boxes(smallest=8))
def test_patches_of_a_level_are_alike_and_run_row_by_row(grid, box):
    for level in grid.levels:
        patches = grid.boxes(box)[grid.span(level)]
        for sides in (patches[:, 2] - patches[:, 0], patches[:, 3] - patches[:, 1]):
            assert sides.max() - sides.min() <= 1
        order = np.lexsort((patches[:, 0], patches[:, 1]))
        np.testing.assert_array_equal(order, np.arange(level * level))


def test_several_boxes_at_once_are_each_alone():
    grid, several = KaleidoGrid((2, 3)), np.array([[0, 0, 10, 7], [3, 2, 90, 70]], np.int16)
    for many in (grid.boxes(several), grid.positions(several, FRAME)):
        assert many.shape[:2] == (2, grid.patches)
    for number, box in enumerate(several):
        np.testing.assert_array_equal(grid.boxes(several)[number], grid.boxes(tuple(box.tolist())))
        np.testing.assert_array_equal(
            grid.positions(several, FRAME)[number], grid.positions(tuple(box.tolist()), FRAME)
        )


@settings(max_examples=100, deadline=None)
@given(grid=grids, box=boxes(smallest=8))
def test_positions_are_shares_of_the_frame_or_pixels(grid, box):
    shares, pixels = (grid.positions(box, FRAME, unit) for unit in ("normalised", "pixel"))
    assert shares.dtype == pixels.dtype == np.float32
    assert shares.shape == pixels.shape == (grid.patches, 5)
    assert shares.min() >= 0
    assert shares.max() <= 1
    x0, y0, x1, y1 = grid.boxes(box).T
    np.testing.assert_array_equal(pixels.T, [x0, x1, y0, y1, (x1 - x0) * (y1 - y0)])
    width, height = FRAME
    np.testing.assert_allclose(
        shares * [width, width, height, height, width * height], pixels, rtol=1e-5, atol=1e-4
    )
    for level in grid.levels:
        area = (box[2] - box[0]) * (box[3] - box[1])
        assert pixels[grid.span(level), 4].sum() == area


@pytest.mark.parametrize(("box", "side"), [((0, 0, 4, 40), 4), ((5, 5, 50, 6), 1), ((7, 7, 7, 20), 0)])
def test_a_level_larger_than_the_box_in_pixels_is_refused(box, side):
    with pytest.raises(InputError, match=f"level 5 splits a box of {side} px"):
        KaleidoGrid().boxes(box)


@pytest.mark.parametrize("levels", [(), (1, 1), (0, 2), (-1,)])
def test_levels_that_make_no_grid_are_refused(levels):
    with pytest.raises(InputError, match="levels"):
        KaleidoGrid(levels)


def test_an_absent_level_and_an_unknown_unit_are_refused():
    with pytest.raises(InputError, match="level 3 is asked for, but the patches are of 1, 2"):
        KaleidoGrid((1, 2)).span(3)
    with pytest.raises(InputError, match="'inch'; use normalised or pixel"):
        KaleidoGrid().positions((0, 0, 9, 9), FRAME, "inch")


@settings(max_examples=200, deadline=None)
@given(box=boxes(), side=st.integers(1, 70))
def test_a_grown_box_is_large_enough_holds_the_old_one_and_stays_in_the_frame(box, side):
    x0, y0, x1, y1 = grown(box, side, FRAME)
    assert 0 <= x0 <= box[0]
    assert 0 <= y0 <= box[1]
    assert box[2] <= x1 <= FRAME[0]
    assert box[3] <= y1 <= FRAME[1]
    assert x1 - x0 == max(side, box[2] - box[0])
    assert y1 - y0 == max(side, box[3] - box[1])
    assert grown((x0, y0, x1, y1), side, FRAME) == (x0, y0, x1, y1)


@settings(max_examples=100, deadline=None)
@given(box=boxes(), side=st.integers(1, 70))
def test_a_box_away_from_the_edges_grows_about_its_centre(box, side):
    x0, y0, x1, y1 = grown(box, side, FRAME)
    assume(x0 > 0 and y0 > 0 and x1 < FRAME[0] and y1 < FRAME[1])
    assert abs((x0 + x1) - (box[0] + box[2])) <= 1
    assert abs((y0 + y1) - (box[1] + box[3])) <= 1


def test_a_photograph_smaller_than_a_level_is_refused():
    with pytest.raises(InputError, match="4 x 9 px is smaller than the 5 px"):
        grown((0, 0, 4, 9), 5, (4, 9))


@pytest.mark.parametrize("unit", ["normalised", "pixel"])
def test_photographs_of_several_sizes_have_their_own_positions(unit) -> None:
    grid = KaleidoGrid((1, 2))
    boxes, frames = np.array([[2, 4, 10, 20], [0, 0, 6, 6]]), np.array([[16, 32], [12, 8]])
    together = grid.positions(boxes, frames, unit)
    for box, frame, found in zip(boxes, frames, together, strict=True):
        np.testing.assert_array_equal(found, grid.positions(tuple(box), tuple(frame), unit))
