"""PSNR and SSIM against scikit-image, hidden pixels included."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from fashionvl.errors import InputError
from fashionvl.evaluation.reconstruction import COLUMNS, ReconstructionScores, mean_fill, psnr, ssim_map


def example(seed, size=(2, 3, 24, 31), noise=0.2, hidden=0.5):
    """Smooth images, noisy predictions that may leave [0, 1], masks with at least one pixel of each kind."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(size[0], 3, 4, 4, generator=generator)
    target = torch.nn.functional.interpolate(coarse, size=size[2:], mode="bilinear")
    predicted = target + noise * torch.randn(size, generator=generator)
    mask = torch.rand(size[0], 1, *size[2:], generator=generator) < hidden
    mask[..., 0, 0], mask[..., 0, 1] = True, False
    return predicted, target, mask


def skimage_ssim(predicted, target):
    return structural_similarity(
        target.double().numpy(),
        predicted.double().numpy(),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1,
        channel_axis=0,
        full=True,
    )


def oracle(predicted, target, mask):
    """One row of COLUMNS per image, pixel by pixel with scikit-image and numpy."""
    rows = []
    for prediction, image, hidden in zip(predicted, target, mask, strict=True):
        mean, full = skimage_ssim(prediction, image)
        spots = hidden[0].numpy()
        truth, guess = image.double().numpy(), prediction.double().numpy()
        colour = truth[:, ~spots].mean(axis=1, keepdims=True)
        rows.append(
            [
                peak_signal_noise_ratio(truth, guess, data_range=1),
                mean,
                -10 * math.log10(((truth - guess)[:, spots] ** 2).mean()),
                full[:, spots].mean(),
                -10 * math.log10(((truth[:, spots] - colour) ** 2).mean()),
            ]
        )
    return np.array(rows)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    height=st.integers(11, 40),
    width=st.integers(11, 40),
    noise=st.floats(0.001, 1),
    hidden=st.floats(0, 1),
)
def test_every_column_equals_scikit_images(seed, height, width, noise, hidden):
    batch = example(seed, (2, 3, height, width), noise, hidden)
    metric = ReconstructionScores()
    metric.update(*batch, ids=torch.tensor([0, 1]))
    rows = np.stack([metric.per_query()[name] for name in COLUMNS], axis=1)
    np.testing.assert_allclose(rows, oracle(*batch), rtol=1e-9, atol=1e-9)


def test_the_ssim_map_equals_scikit_images_up_to_the_border():
    predicted, target, _ = example(3)
    _, full = skimage_ssim(predicted[0], target[0])
    np.testing.assert_allclose(ssim_map(predicted, target)[0], full, atol=1e-10)


def test_means_are_over_images_not_pixels():
    target = torch.full((2, 3, 16, 16), 0.5)
    predicted = target + torch.tensor([0.1, 0.01]).view(2, 1, 1, 1)
    mask = torch.zeros(2, 1, 16, 16, dtype=torch.bool)
    mask[0, :, :8], mask[1, :, :2] = True, True
    metric = ReconstructionScores()
    metric.update(predicted, target, mask)
    scores = metric.compute()
    assert scores["psnr"] == pytest.approx((20 + 40) / 2, abs=1e-4)
    assert scores["psnr_masked"] == pytest.approx(30, abs=1e-4)
    assert scores["n"] == 2


def test_the_peak_is_one():
    """A peak of 255 on images in [0, 1], as released, would add 48.13 dB."""
    predicted, target, _ = example(1)
    everywhere = torch.ones(2, 1, 24, 31, dtype=torch.bool)
    mse = (predicted - target).double().square().mean(dim=(1, 2, 3))
    np.testing.assert_allclose(
        20 * np.log10(255 / mse.sqrt()) - psnr(predicted, target, everywhere), 48.1308, atol=1e-4
    )


def test_masked_scores_read_hidden_pixels_only():
    predicted, target, mask = example(2)
    changed = torch.where(mask, predicted, predicted + 1)
    np.testing.assert_allclose(psnr(changed, target, mask), psnr(predicted, target, mask), rtol=1e-12)
    assert (psnr(changed, target, ~mask) < psnr(predicted, target, ~mask)).all()


def test_identical_images_are_capped_at_100_db():
    _, target, mask = example(0)
    metric = ReconstructionScores()
    metric.update(target, target, mask)
    scores = metric.compute()
    assert scores["psnr"] == scores["psnr_masked"] == pytest.approx(100)
    assert scores["ssim"] == scores["ssim_masked"] == pytest.approx(1)


def test_mean_fill_uses_visible_pixels_only():
    target = torch.zeros(1, 3, 12, 12)
    target[:, :, :6] = torch.tensor([0.2, 0.4, 0.6]).view(1, 3, 1, 1)
    target[:, :, 6:] = 0.9
    mask = torch.zeros(1, 1, 12, 12, dtype=torch.bool)
    mask[:, :, 6:] = True
    filled = mean_fill(target, mask)
    assert torch.equal(filled[:, :, :6], target[:, :, :6].double())
    np.testing.assert_allclose(filled[0, :, 6:].mean(dim=(1, 2)), [0.2, 0.4, 0.6], rtol=1e-6)


def test_images_without_hidden_or_without_visible_pixels_leave_the_means_they_cannot_enter():
    predicted, target, mask = example(5, (3, 3, 20, 20))
    mask[1], mask[2] = False, True
    metric = ReconstructionScores()
    metric.update(predicted, target, mask)
    scores, alone = metric.compute(), oracle(predicted[:1], target[:1], mask[:1])[0]
    hidden = psnr(predicted[2:], target[2:], mask[2:]).item()
    assert scores["psnr_masked_mean_fill"] == pytest.approx(alone[4])
    assert scores["psnr_masked"] == pytest.approx((alone[2] + hidden) / 2)
    assert scores["n"] == 3

    metric.reset()
    metric.update(predicted[1:2], target[1:2], mask[1:2])
    assert math.isnan(metric.compute()["psnr_masked"])
    assert math.isfinite(metric.compute()["psnr"])


def test_repeated_images_count_once():
    predicted, target, mask = example(6, (3, 3, 16, 16))
    metric, once = ReconstructionScores(), ReconstructionScores()
    once.update(predicted, target, mask)
    for shard in ([0, 1], [2, 0]):
        metric.update(predicted[shard], target[shard], mask[shard], ids=torch.tensor(shard))
    assert metric.compute() == pytest.approx(once.compute())
    assert metric.per_query()["id"].tolist() == [0, 1, 2]


def test_half_precision_predictions_are_accepted():
    predicted, target, mask = example(7)
    metric = ReconstructionScores()
    metric.update(predicted.bfloat16(), target, mask)
    assert metric.compute()["psnr"] == pytest.approx(oracle(predicted, target, mask)[:, 0].mean(), abs=0.1)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda p, t, m: (p, t * 255, m), ["target", "[0, 1]"]),
        (lambda p, t, m: (p, t - 1, m), ["target", "[0, 1]"]),
        (
            lambda p, t, m: (p.clone().index_fill_(0, torch.tensor([1]), float("nan")), t, m),
            ["image 1", "NaN"],
        ),
        (lambda p, t, m: (p[:1], t, m), ["[1, 3, 24, 31]", "[2, 3, 24, 31]"]),
        (lambda p, t, m: (p, t, m[:, 0]), ["mask"]),
        (lambda p, t, m: (p, t, m.float()), ["mask", "float"]),
        (lambda p, t, m: (p[..., :10], t[..., :10], m[..., :10]), ["24 x 10", "11"]),
    ],
)
def test_bad_images_are_refused_in_one_line(spoil, words):
    with pytest.raises(InputError) as caught:
        ReconstructionScores().update(*spoil(*example(0)))
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)
