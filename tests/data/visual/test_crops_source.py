"""Patches cut anew: the pixels, and each photograph decoded once."""

import pickle

import numpy as np
import pytest

from fashionvl.data.visual.crops import CropSource
from fashionvl.errors import InputError
from fashionvl.patches.crops import Variants
from fashionvl.patches.grid import KaleidoGrid, grown

GRID = KaleidoGrid()
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (4, 40, 30, 3), np.uint8)
BOXES = np.array([[0, 0, 30, 40], [5, 6, 25, 30], [7, 8, 9, 10], [28, 0, 30, 40]], np.int16)


class Photographs:
    """Four photographs that remember being read."""

    def __init__(self):
        self.read = []

    def image(self, row):
        self.read.append(row)
        return IMAGES[row]


def test_crops_are_cut_from_the_boxes_grown_to_the_grid():
    source = CropSource(Photographs(), BOXES, GRID, 8)
    rows, variants = RNG.integers(0, 4, (6, 9)), RNG.integers(0, 74, (6, 9))
    found = source.take(rows, variants)
    assert found.dtype == np.uint8
    assert found.shape == (6, 9, 8, 8, 3)
    cut = [
        Variants(GRID).cut(image, grown(tuple(box), 5, (30, 40)), 8)
        for image, box in zip(IMAGES, BOXES.tolist(), strict=True)
    ]
    np.testing.assert_array_equal(found, np.stack(cut)[rows, variants])
    one_row_each = source.take(rows[:, 0], variants)
    np.testing.assert_array_equal(one_row_each, np.stack(cut)[rows[:, :1], variants])


def test_each_photograph_is_decoded_once():
    photographs = Photographs()
    source = CropSource(photographs, BOXES, GRID, 8)
    source.take(np.array([[2, 2, 0], [0, 2, 2]]), np.array([[0, 5, 74 - 1], [9, 9, 0]]))
    assert sorted(photographs.read) == [0, 2]


def test_a_source_travels_into_a_worker():
    source = pickle.loads(pickle.dumps(CropSource(Photographs(), BOXES, GRID, 8)))
    assert source.take(np.array([1]), np.array([[0]])).shape == (1, 1, 8, 8, 3)


def test_a_photograph_smaller_than_a_level_is_refused():
    source = CropSource(Photographs(), BOXES, KaleidoGrid((1, 31)), 8)
    with pytest.raises(InputError, match="30 x 40 px is smaller than the 31 px"):
        source.take(np.array([0]), np.array([[0]]))
