"""The five ways to find a foreground, through one door."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from fashionvl.data.index.foreground import nonwhite_box
from fashionvl.errors import InputError
from fashionvl.models.kaleido_bert.saliency import SaliencyUNet
from fashionvl.patches.foreground import grabcut_mask, mask_box, threshold_mask
from fashionvl.tasks.kaleido.foreground import Foreground, ForegroundFinder, network_masks

METHODS = ("whole", "nonwhite", "threshold", "grabcut", "unet")
BOX = (24, 16, 72, 60)


def _network(darkest: float = 0.3) -> SaliencyUNet:
    """One level, weights by hand: a pixel is foreground when its mean is `darkest` or more below white."""
    network = SaliencyUNet(widths=[1], image_size=32)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        block = network.down[0]
        assert isinstance(block, nn.Sequential)
        for first, value in ((block[0], 1 / 3), (block[3], 1.0)):
            first.weight[:, :, 1, 1] = value
        for norm in (block[1], block[4]):
            norm.weight.fill_(1)
        network.head.weight.fill_(10)
        network.head.bias.fill_(-10 * darkest)
    return network.eval()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A run folder that holds the network."""
    _network().save_pretrained(tmp_path / "run" / "model")
    return tmp_path / "run"


def _images(count: int = 3, height: int = 96, width: int = 80) -> np.ndarray:
    images = np.full((count, height, width, 3), 255, np.uint8)
    x0, y0, x1, y1 = BOX
    for number, image in enumerate(images):
        image[y0 + number : y1, x0:x1] = (30, 60, 90)
    return images


def _finder(method: str, saved: Path) -> ForegroundFinder:
    weights = str(saved) if method == "unet" else None
    return ForegroundFinder(Foreground(method, weights))  # type: ignore[arg-type]


@pytest.mark.parametrize("method", METHODS)
def test_masks_and_boxes_are_of_the_photographs_size(method: str, saved: Path) -> None:
    images = _images()
    finder = _finder(method, saved)
    masks, boxes = finder.masks(images), finder.boxes(images)
    assert (masks.shape, masks.dtype) == (images.shape[:3], np.bool_)
    assert (boxes.shape, boxes.dtype) == ((3, 4), np.int64)
    assert [mask_box(mask) for mask in masks] == [tuple(box) for box in boxes.tolist()]
    expected = {
        "whole": [(0, 0, 80, 96)] * 3,
        "nonwhite": [nonwhite_box(image) for image in images],
        "threshold": [mask_box(threshold_mask(image)) for image in images],
        "grabcut": [mask_box(grabcut_mask(image)) for image in images],
    }
    if method != "unet":
        assert [tuple(box) for box in boxes.tolist()] == expected[method]
    else:
        # The network sees cells of 3 x 2.5 pixels.
        truth = np.array([(24, 16 + number, 72, 60) for number in range(3)])
        assert np.abs(boxes - truth).max() <= 3


@pytest.mark.parametrize("method", METHODS)
def test_a_blank_photograph_gets_the_whole_frame(method: str, saved: Path) -> None:
    blank = np.full((2, 64, 48, 3), 255, np.uint8)
    assert _finder(method, saved).boxes(blank).tolist() == [[0, 0, 48, 64]] * 2


def test_many_photographs_are_found_as_each_alone_is(saved: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (70, 32, 32, 3), np.uint8)
    finder = _finder("unet", saved)
    together = finder.masks(images)
    assert np.array_equal(together, np.concatenate([finder.masks(image[None]) for image in images]))
    assert together.any()
    assert not together.all()
    assert finder.masks(images[:0]).shape == (0, 32, 32)


def test_a_stray_pixel_does_not_move_the_network_s_box() -> None:
    network = _network()
    image = np.full((1, 256, 256, 3), 255, np.uint8)
    image[0, 100:180, 90:170] = 0
    alone = mask_box(network_masks(network, image)[0])
    image[0, 10:12, 5:8] = 0
    assert mask_box(network_masks(network, image)[0]) == alone


def test_a_network_in_training_is_left_in_training() -> None:
    network = _network().train()
    mean = network.state_dict()["down.0.1.running_mean"].clone()
    network_masks(network, _images())
    assert network.training
    assert torch.equal(network.state_dict()["down.0.1.running_mean"], mean)


def test_the_digest_tells_methods_and_weights_apart(saved: Path, tmp_path: Path) -> None:
    _network(0.4).save_pretrained(tmp_path / "other")
    digests = [_finder(method, saved).digest for method in METHODS]
    assert len({*digests, ForegroundFinder(Foreground(weights=str(tmp_path / "other"))).digest}) == 6
    assert _finder("unet", saved).digest == _finder("unet", saved / "model").digest


def test_a_network_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^foreground\.weights: null; unet needs"):
        ForegroundFinder(Foreground())
    with pytest.raises(InputError, match=r"^foreground\.weights: .*absent is neither a finished"):
        ForegroundFinder(Foreground(weights=str(tmp_path / "absent")))
