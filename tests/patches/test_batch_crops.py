"""Cropping and resizing a batch at once, against one by one."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.patches.batch_crops import crop_resize_batch
from fashionvl.patches.crops import crop_resize
from fashionvl.patches.grid import Box

STEP = 1 / 255


@st.composite
def frames_and_boxes(draw: st.DrawFn) -> tuple[np.ndarray, list[Box], int]:
    """Photographs of noise, a box in each, and a size that no box exceeds."""
    height, width, count = draw(st.integers(1, 40)), draw(st.integers(1, 40)), draw(st.integers(1, 4))
    boxes = []
    for _ in range(count):
        x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        boxes.append((x0, y0, draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height))))
    largest = max(max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes)
    seed = draw(st.integers(0, 2**32 - 1))
    frames = np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), np.uint8)
    return frames, boxes, draw(st.integers(largest, 64))


def _crop(frames: np.ndarray, boxes: list[Box], size: int) -> np.ndarray:
    """As `[B, size, size, 3]`."""
    channels_first = torch.from_numpy(frames).permute(0, 3, 1, 2)
    return crop_resize_batch(channels_first, torch.tensor(boxes), size).permute(0, 2, 3, 1).numpy()


@settings(max_examples=300, deadline=None)
@given(frames_and_boxes())
def test_a_batch_is_within_a_step_of_its_photographs_one_by_one(
    asked: tuple[np.ndarray, list[Box], int],
) -> None:
    frames, boxes, size = asked
    found = _crop(*asked)
    assert found.dtype == np.float32
    for frame, box, crop in zip(frames, boxes, found, strict=True):
        np.testing.assert_allclose(crop, crop_resize(frame, box, size) / 255, atol=STEP)


def test_at_the_papers_size_too() -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (6, 256, 256, 3), np.uint8)
    boxes = [(0, 0, 256, 256), (3, 5, 256, 251), (60, 0, 190, 256), (255, 255, 256, 256), (9, 9, 16, 200)]
    found = _crop(frames, [*boxes, (0, 0, 1, 256)], 256)
    for frame, box, crop in zip(frames, boxes, found, strict=False):
        np.testing.assert_allclose(crop, crop_resize(frame, box, 256) / 255, atol=STEP)
    # A frame that keeps its size keeps its pixels.
    np.testing.assert_allclose(found[0], frames[0] / 255, atol=1e-4)


def test_nothing_beside_the_box_shines_through() -> None:
    frame = np.full((1, 20, 20, 3), 255, np.uint8)
    frame[:, 4:9, 6:16] = 0
    assert _crop(frame, [(6, 4, 16, 9)], 33).max() < 1e-4


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_changes_nothing(dtype: torch.dtype) -> None:
    frames = torch.randint(0, 256, (2, 3, 24, 24), dtype=torch.uint8, generator=torch.manual_seed(0))
    boxes = torch.tensor([[0, 0, 20, 24], [5, 6, 11, 22]])
    with torch.autocast("cpu", dtype):
        inside = crop_resize_batch(frames, boxes, 32)
    assert torch.equal(inside, crop_resize_batch(frames, boxes, 32))
