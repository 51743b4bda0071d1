"""Photographs of several sizes as pictures of one size."""

import numpy as np
import pytest

from fashionvl.tasks.testing.shown import LARGEST, shown


def test_photographs_of_one_size_are_as_stored() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 6, 3), np.uint8)
    pictures = shown(images)
    np.testing.assert_array_equal(pictures.images, images)
    boxes, regions = np.array([[0, 1, 5, 3]] * 3), np.full((3, 2, 4), 0.3, np.float32)
    np.testing.assert_array_equal(pictures.boxes(boxes), boxes)
    np.testing.assert_array_equal(pictures.regions(regions), regions)


def test_others_are_scaled_and_centred_on_white() -> None:
    wide, tall = np.full((10, 40, 3), 7, np.uint8), np.full((20, 10, 3), 9, np.uint8)
    pictures = shown([wide, tall])
    assert pictures.images.shape == (2, 40, 40, 3)
    expected = np.full((2, 40, 40, 3), 255, np.uint8)
    expected[0, 15:25] = 7
    expected[1, :, 10:30] = 9
    np.testing.assert_array_equal(pictures.images, expected)


def test_boxes_and_regions_move_with_them() -> None:
    pictures = shown([np.zeros((10, 40, 3), np.uint8), np.zeros((20, 10, 3), np.uint8)])
    whole = np.array([[0, 0, 40, 10], [0, 0, 10, 20]])
    assert pictures.boxes(whole).tolist() == [[0, 15, 40, 25], [10, 0, 30, 40]]
    moved = pictures.regions(np.array([[[0, 0, 1, 1]], [[0.5, 0, 1, 0.5]]]))
    np.testing.assert_allclose(moved[:, 0], [[0, 0.375, 1, 0.625], [0.5, 0, 0.75, 0.5]])


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (3000, 2000)])
def test_no_picture_is_huge(size: tuple[int, int]) -> None:
    pictures = shown([np.zeros((*size, 3), np.uint8), np.zeros((8, 8, 3), np.uint8)])
    assert pictures.images.shape == (2, LARGEST, LARGEST, 3)
    assert (pictures.images == 0).any(axis=(1, 2, 3)).all()
