"""The saliency network: sizes, saving and loading, and that it learns."""

import json

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import binary_cross_entropy_with_logits

from fashionvl.errors import InputError
from fashionvl.models.kaleido_bert.saliency import SaliencyUNet


def _network(widths=(4, 6, 8), image_size=32):
    torch.manual_seed(0)
    return SaliencyUNet(widths=list(widths), image_size=image_size)


@pytest.mark.parametrize("widths", [[4], [4, 6], [4, 6, 8]])
@pytest.mark.parametrize("size", [(32, 32), (16, 48)])
def test_logits_are_as_large_as_the_image(widths, size):
    assert _network(widths)(torch.rand(2, 3, *size)).shape == (2, 1, *size)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"widths": []}, "widths: .* at least one level"),
        ({"widths": [4, 0]}, "widths: .* all positive"),
        ({"widths": [4, 4, 4], "image_size": 30}, "image_size: 30 px; 3 levels need a multiple of 4"),
        ({"widths": [4, 4, 4], "image_size": 0}, "image_size: 0 px"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        SaliencyUNet(**arguments)


def test_an_image_that_cannot_be_halved_is_refused():
    with pytest.raises(InputError, match="pixel_values: 18 px; 3 levels need a multiple of 4"):
        _network()(torch.rand(1, 3, 32, 18))


def test_saved_and_loaded_it_finds_the_same(tmp_path):
    network = _network()
    network(torch.rand(4, 3, 32, 32))
    network.eval().save_pretrained(tmp_path)
    loaded = SaliencyUNet.from_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text()) == {
        "class_path": "fashionvl.models.kaleido_bert.saliency.SaliencyUNet",
        "widths": [4, 6, 8],
        "image_size": 32,
    }
    assert not loaded.training
    assert loaded.image_size == 32
    image = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(loaded(image), network(image), rtol=0, atol=0)


def test_weights_of_another_configuration_are_refused(tmp_path):
    _network().save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"widths": [4, 6, 10], "image_size": 32}))
    with pytest.raises(InputError, match="weights of another configuration"):
        SaliencyUNet.from_pretrained(tmp_path)
    state = {key: value.contiguous() for key, value in _network((4, 6, 10)).state_dict().items()}
    headless = {key: value for key, value in state.items() if "head" not in key}
    save_file(headless, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match=r"2 missing \(head"):
        SaliencyUNet.from_pretrained(tmp_path)


def test_a_truncated_file_is_refused(tmp_path):
    _network().save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match="not a readable checkpoint"):
        SaliencyUNet.from_pretrained(tmp_path)


def _squares(count, seed):
    """Squares of random colours on white, some of them almost white; and where they are."""
    rng = torch.Generator().manual_seed(seed)
    images, masks = torch.ones(count, 3, 32, 32), torch.zeros(count, 1, 32, 32)
    for image, mask in zip(images, masks, strict=True):
        left, top = torch.randint(0, 16, (2,), generator=rng).tolist()
        image[:, top : top + 14, left : left + 14] = 0.9 * torch.rand(3, 1, 1, generator=rng)
        mask[:, top : top + 14, left : left + 14] = 1
    return images, masks


def test_it_learns_what_is_not_background():
    network = _network()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    images, masks = _squares(32, seed=0)
    for _ in range(60):
        optimizer.zero_grad()
        binary_cross_entropy_with_logits(network(images), masks).backward()
        optimizer.step()
    images, masks = _squares(16, seed=1)
    found = network.eval()(images) > 0
    iou = (found & masks.bool()).sum() / (found | masks.bool()).sum()
    assert iou > 0.9
