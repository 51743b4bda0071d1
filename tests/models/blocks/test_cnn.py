"""timm networks by name, and the weights of a package in their place."""

from pathlib import Path
from typing import Any

import cv2
import pytest
import timm
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from torch import Tensor

from fashionvl.errors import InputError
from fashionvl.files.packaged import packaged_file
from fashionvl.models.blocks.checkpoints import read_state
from fashionvl.models.blocks.cnn import Keys, image_encoder, normalisation, pooled_width

LITE0, PACKAGE = "tf_efficientnet_lite0", "package:efficientnet-lite0"
SWEATSHIRT, JERSEY = 841, 610
"""Classes of ImageNet-1k."""

STAGES = [(stage, block) for stage, blocks in enumerate((1, 2, 2, 3, 3, 4, 1)) for block in range(blocks)]
"""Blocks of EfficientNet-B0 and Lite0 (Tan and Le, 2019, table 1)."""


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    return read_state(packaged_file(PACKAGE, "image encoder"))


@pytest.fixture(scope="module")
def lite0() -> Any:
    return image_encoder(LITE0, weights=PACKAGE).eval()


def named_by_timm(name: str) -> str:
    """The name that timm gives a tensor of the package, by what it is rather than by its place."""
    *path, layer, kind = name.split(".")
    if not path:
        stem = {"_bn0": "bn1", "_bn1": "bn2", "_fc": "classifier"}
        return f"{stem.get(layer, layer[1:])}.{kind}"
    stage, block = STAGES[int(path[1])]
    layers = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    if stage:  # the first block has no expansion
        layers = {
            "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
            "_project_conv": "conv_pwl", "_bn2": "bn3",
        }  # fmt: skip
    return f"blocks.{stage}.{block}.{layers[layer]}.{kind}"


def test_every_tensor_of_the_package_is_found_where_it_belongs(
    lite0: Any, published: dict[str, Tensor]
) -> None:
    expected = {named_by_timm(name): value for name, value in published.items() if "_fc" not in name}
    found = lite0.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_drawn_polo_shirt_is_seen_as_a_garment(
    lite0: Any, published: dict[str, Tensor], repository: Path
) -> None:
    picture = cv2.cvtColor(cv2.imread(str(repository / "docs/images/polo.png")), cv2.COLOR_BGR2RGB)
    pixels = torch.from_numpy(cv2.resize(picture, (224, 224))).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        features = lite0((pixels - 0.5) / 0.5)
    assert features.shape == (1, pooled_width(lite0)) == (1, 1280)
    odds = (features @ published["_fc.weight"].T + published["_fc.bias"]).softmax(1)[0]
    assert set(odds.topk(2).indices.tolist()) == {SWEATSHIRT, JERSEY}


def test_pixels_are_normalised_as_the_network_was_trained(lite0: Any) -> None:
    # Lite models: (x - 127) / 128 in the original code, 0.5 in timm.
    assert all(torch.equal(value, torch.full((3, 1, 1), 0.5)) for value in normalisation(lite0).values())
    imagenet = normalisation(image_encoder("resnet10t"))
    torch.testing.assert_close(imagenet["mean"].flatten(), torch.tensor([0.485, 0.456, 0.406]))
    torch.testing.assert_close(imagenet["std"].flatten(), torch.tensor([0.229, 0.224, 0.225]))


@pytest.mark.parametrize(
    ("name", "arguments", "weights", "line"),
    [
        ("resnet10t", None, PACKAGE, f"cnn: resnet10t, but {PACKAGE} is of {LITE0}; name that"),
        (LITE0, None, "package:lite0", "package:lite0: no such package of weights is known"),
        (LITE0, None, "imagenet", f"pretrained: imagenet is no package of weights; known are {PACKAGE}"),
        (LITE0, {"in_chans": 1}, PACKAGE, "weights of another configuration.*conv_stem.weight"),
        (LITE0, {"padding_mode": "replicate"}, False, f"extra: padding_mode 'replicate', but {LITE0} pads"),
        ("no_such", None, False, "cnn: timm has no model 'no_such'"),
        ("resnet10t", {"no_such": 1}, False, "extra: timm cannot build resnet10t with {'no_such': 1}"),
    ],
)
def test_what_does_not_fit_is_one_line(
    name: str, arguments: dict[str, Any] | None, weights: bool | str, line: str
) -> None:
    with pytest.raises(InputError, match=line) as caught:
        image_encoder(name, arguments, weights, Keys("cnn", "extra", "pretrained"))
    assert "\n" not in str(caught.value)


def test_a_release_of_timm_with_another_network_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, **given: create("resnet10t", **given))
    with pytest.raises(
        InputError, match=r"name: timm .* builds tf_efficientnet_lite0 of \d+ tensors, .* 296;"
    ):
        image_encoder(LITE0, weights=PACKAGE)


def test_without_the_hub_the_package_of_the_same_network_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(timm, "create_model", unreachable)
    with pytest.raises(InputError, match=f"connect once, or choose {PACKAGE}"):
        image_encoder(LITE0, weights=True)
