"""Image masks: share, shape, alignment and determinism of every style of Fig. 8."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.errors import InputError
from fashionvl.masking.image import HIDDEN_PIXEL, ImageMask, hide

STYLES = ("random_grid", "grid", "stroke", "center")
ratios = st.floats(0, 1)
seeds = st.integers(0, 2**32 - 1)
sizes_in_units = st.integers(1, 9)


def draw(mask: ImageMask, height: int, width: int, seed: int = 0) -> np.ndarray:
    return mask.sample(height, width, np.random.default_rng(seed))


def in_units(hidden: np.ndarray, unit: int) -> np.ndarray:
    """One row per masking unit: `[Q, unit * unit]`, row-major over units."""
    rows, columns = hidden.shape[0] // unit, hidden.shape[1] // unit
    return hidden.reshape(rows, unit, columns, unit).swapaxes(1, 2).reshape(rows * columns, -1)


@settings(max_examples=60, deadline=None)
@given(
    style=st.sampled_from(["random_grid", "grid"]),
    ratio=ratios,
    alpha=st.integers(1, 16),
    patch=st.integers(1, 5),
    rows=sizes_in_units,
    columns=sizes_in_units,
    seed=seeds,
)
def test_unit_styles_hide_the_exact_share_in_whole_units(style, ratio, alpha, patch, rows, columns, seed):
    mask = ImageMask(style=style, ratio=ratio, alpha=alpha, patch=patch)
    hidden = draw(mask, rows * mask.unit, columns * mask.unit, seed)
    assert hidden.shape == (rows * mask.unit, columns * mask.unit)
    assert hidden.dtype == np.bool_
    units = in_units(hidden, alpha * patch)
    assert (units.all(axis=1) | ~units.any(axis=1)).all()
    assert units[:, 0].sum() == round(ratio * rows * columns)


@settings(max_examples=40, deadline=None)
@given(
    style=st.sampled_from(STYLES), ratio=ratios, sampler=st.sampled_from(["exact", "released"]), seed=seeds
)
def test_one_generator_state_gives_one_mask(style, ratio, sampler, seed):
    mask = ImageMask(style=style, ratio=ratio, sampler=sampler)
    np.testing.assert_array_equal(draw(mask, 64, 48, seed), draw(mask, 64, 48, seed))


@settings(max_examples=40, deadline=None)
@given(
    style=st.sampled_from(STYLES),
    ratio=ratios | st.sampled_from([0, 1]),
    sampler=st.sampled_from(["exact", "released"]),
    seeds=st.lists(seeds, min_size=1, max_size=4),
)
def test_a_batch_of_masks_is_what_each_generator_draws_alone(style, ratio, sampler, seeds):
    mask = ImageMask(style=style, ratio=ratio, alpha=2, sampler=sampler)
    together = mask.sample_batch(64, 48, [np.random.default_rng(seed) for seed in seeds])
    np.testing.assert_array_equal(together, [draw(mask, 64, 48, seed) for seed in seeds])


@pytest.mark.parametrize("style", ["random_grid", "grid", "stroke"])
def test_another_generator_state_gives_another_mask(style):
    masks = {draw(ImageMask(style=style, ratio=0.4), 64, 64, seed).tobytes() for seed in range(10)}
    assert len(masks) > 3


@pytest.mark.parametrize("sampler", ["exact", "released"])
@pytest.mark.parametrize("style", STYLES)
def test_the_extremes_hide_nothing_and_everything(style, sampler):
    assert not draw(ImageMask(style=style, ratio=0, sampler=sampler), 64, 64).any()
    assert draw(ImageMask(style=style, ratio=1, sampler=sampler), 64, 64).all()


def test_random_grid_prefers_no_unit():
    mask, rng = ImageMask(ratio=0.25), np.random.default_rng(3)
    frequency = np.mean([mask.sample(64, 64, rng)[::16, ::16] for _ in range(4000)], axis=0)
    # Standard error 0.007: five of them.
    np.testing.assert_allclose(frequency, 0.25, atol=0.035)


def test_released_sampler_has_the_released_statistics():
    rng = np.random.default_rng(0)
    mask = ImageMask(ratio=0.5, alpha=4, patch=4, sampler="released")
    masks = [mask.sample(256, 256, rng) for _ in range(1500)]
    shares = np.array([hidden.mean() for hidden in masks])
    assert 0.47 < shares.mean() < 0.53
    assert 0.08 < shares.std() < 0.12
    assert 0.08 < shares.min() < 0.25
    assert 0.75 < shares.max() < 0.92
    per_row = np.array([hidden[::16, ::16].sum(axis=1) for hidden in masks[:200]])
    assert np.abs(np.diff(per_row, axis=1)).max() == 1


@settings(max_examples=30, deadline=None)
@given(ratio=ratios, rows=sizes_in_units, columns=sizes_in_units, seed=seeds)
def test_released_sampler_works_at_any_size(ratio, rows, columns, seed):
    mask = ImageMask(ratio=ratio, alpha=2, patch=4, sampler="released")
    units = in_units(draw(mask, rows * 8, columns * 8, seed), 8)
    assert (units.all(axis=1) | ~units.any(axis=1)).all()


def test_grid_is_a_checkerboard_at_one_half_and_a_lattice_at_one_quarter():
    rows, columns = np.indices((8, 8))
    parity = (rows + columns) % 2 == 0
    seen = set()
    for seed in range(20):
        units = draw(ImageMask(style="grid", ratio=0.5), 128, 128, seed)[::16, ::16]
        assert (units == parity).all() or (units == ~parity).all()
        seen.add(bool(units[0, 0]))
        lattice = draw(ImageMask(style="grid", ratio=0.25), 128, 128, seed)[::16, ::16]
        assert (lattice.reshape(4, 2, 4, 2).sum(axis=(1, 3)) == 1).all()
        assert lattice.any(axis=1).sum() == lattice.any(axis=0).sum() == 4
    assert seen == {True, False}


@settings(max_examples=60, deadline=None)
@given(
    ratio=st.floats(0.1, 0.9),
    height=st.sampled_from([16, 32, 64, 128]),
    width=st.sampled_from([32, 64, 128]),
    seed=seeds,
)
def test_strokes_reach_the_ratio_within_three_points(ratio, height, width, seed):
    hidden = draw(ImageMask(style="stroke", ratio=ratio), height, width, seed)
    assert hidden.shape == (height, width)
    assert hidden.dtype == np.bool_
    assert 0 <= hidden.mean() - ratio <= 0.03


def test_strokes_are_thin():
    """No hidden square as wide as twice the widest brush appears while little is hidden."""
    hidden = draw(ImageMask(style="stroke", ratio=0.1), 256, 256, seed=1)
    windows = np.lib.stride_tricks.sliding_window_view(hidden, (24, 24))
    assert not windows.all(axis=(2, 3)).any()


@settings(max_examples=80, deadline=None)
@given(ratio=st.floats(0.001, 0.999), height=st.integers(1, 130), width=st.integers(1, 130))
def test_the_centre_is_one_centred_rectangle(ratio, height, width):
    hidden = draw(ImageMask(style="center", ratio=ratio), height, width)
    np.testing.assert_array_equal(hidden, hidden[::-1, ::-1])
    rows, columns = np.flatnonzero(hidden.any(axis=1)), np.flatnonzero(hidden.any(axis=0))
    assert len(rows) >= 1
    assert hidden.sum() == len(rows) * len(columns)
    assert len(rows) == rows[-1] - rows[0] + 1
    assert len(columns) == columns[-1] - columns[0] + 1
    if min(height, width) >= 16 and ratio > 0.02:
        assert abs(hidden.mean() - ratio) <= len(rows) / (height * width) + 1e-9


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ratio": 1.5}, ["mask.ratio", "1.5", "[0, 1]"]),
        ({"ratio": -0.1}, ["mask.ratio", "-0.1"]),
        ({"ratio": float("nan")}, ["mask.ratio", "nan"]),
        ({"alpha": 0}, ["mask.alpha", "0", "1 .. 16"]),
        ({"alpha": 17}, ["mask.alpha", "17"]),
        ({"patch": 0}, ["mask.patch", "0"]),
        ({"style": "chess"}, ["mask.style", "chess", "random_grid", "grid", "stroke", "center"]),
        ({"sampler": "fixed"}, ["mask.sampler", "fixed", "exact", "released"]),
    ],
)
def test_bad_values_are_refused_in_one_line(values, words):
    with pytest.raises(InputError) as caught:
        ImageMask(**values)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("style", ["random_grid", "grid"])
@pytest.mark.parametrize("size", [(250, 256), (256, 250)])
def test_units_that_do_not_divide_the_image_are_refused(style, size):
    mask = ImageMask(style=style, alpha=4, patch=4)
    with pytest.raises(InputError, match=r"mask\.alpha: .*alpha 4 x patch 4 = 16 px.*(250 x 256|256 x 250)"):
        mask.check_size(*size)
    with pytest.raises(InputError, match="does not divide"):
        draw(mask, *size)
    mask.check_size(256, 240)


def test_strokes_and_centre_take_any_size():
    assert draw(ImageMask(style="stroke"), 50, 37).shape == (50, 37)
    assert draw(ImageMask(style="center"), 50, 37).shape == (50, 37)


def test_hide_changes_hidden_pixels_only():
    pixel_values = torch.rand(2, 3, 32, 32)
    before = pixel_values.clone()
    hidden = torch.from_numpy(np.stack([draw(ImageMask(alpha=2), 32, 32, seed) for seed in range(2)]))[
        :, None
    ]
    masked = hide(pixel_values, hidden)
    everywhere = hidden.expand_as(masked)
    assert torch.equal(pixel_values, before)
    assert torch.equal(masked[everywhere], torch.full_like(masked[everywhere], HIDDEN_PIXEL))
    assert torch.equal(masked[~everywhere], before[~everywhere])
    assert HIDDEN_PIXEL == 1e-6
