"""The visual path against `transformers`' PVT, on the same random weights."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from fashionvl.models.mvlt import MVLT
from fashionvl.models.mvlt.weights import load_pvt

DIMS, DEPTHS, HEADS, MLP, SR = [16, 32, 40, 64], [1, 2, 1, 2], [1, 2, 5, 8], [4, 3, 2, 4], [4, 2, 2, 1]
SIZE = 64


@pytest.fixture(scope="module")
def reference() -> nn.Module:
    transformers = pytest.importorskip("transformers")
    config = transformers.PvtConfig(
        image_size=SIZE,
        depths=DEPTHS,
        hidden_sizes=DIMS,
        num_attention_heads=HEADS,
        mlp_ratios=MLP,
        sequence_reduction_ratios=SR,
        num_labels=7,
    )
    model = transformers.PvtForImageClassification(config)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def build(**arguments: object) -> MVLT:
    sizes = {
        "image_size": SIZE,
        "embed_dims": DIMS,
        "depths": DEPTHS,
        "num_heads": HEADS,
        "mlp_ratios": MLP,
        "sr_ratios": SR,
        "vocab_size": 50,
        "max_tokens": 6,
        "text_width": 16,
        "text_positions": 8,
        "decoder_width": 8,
    }
    return MVLT(**(sizes | arguments)).eval()  # type: ignore[arg-type]


def align_norms(pvt: nn.Module) -> None:
    """Give the reference the released MVLT's LayerNorm epsilons; PVT has 1e-6 throughout."""
    for name, module in pvt.named_modules():
        if isinstance(module, nn.LayerNorm) and ("patch_embeddings" in name or "attention" in name):
            module.eps = 1e-5


def stage_maps(pvt: nn.Module, pixel_values: Tensor) -> list[Tensor]:
    hidden = pvt(pixel_values, output_hidden_states=True).hidden_states
    ends = [sum(DEPTHS[: k + 1]) - 1 for k in range(4)]
    return [hidden[end] for end in ends]


@pytest.mark.parametrize("head", [True, False], ids=["PvtForImageClassification", "PvtModel"])
def test_maps_equal_pvt(reference: nn.Module, head: bool, tmp_path: Path) -> None:
    (reference if head else reference.pvt).save_pretrained(tmp_path)
    model = build(pretrained_pvt=str(tmp_path)).double()
    pvt = type(reference)(reference.config)
    pvt.load_state_dict(reference.state_dict())
    pvt = pvt.pvt.double().eval()
    align_norms(pvt)
    pixel_values = torch.rand(2, 3, SIZE, SIZE, dtype=torch.float64)
    with torch.inference_mode():
        expected = stage_maps(pvt, pixel_values)
        actual = [level.flatten(2).transpose(1, 2) for level in model.encoder(pixel_values, None)[0]]
        for k in range(3):
            torch.testing.assert_close(actual[k], expected[k], rtol=1e-10, atol=1e-10)
        # MVLT drops PVT's class token, so stage 4 is compared once without it and once with it put back.
        embeddings = pvt.encoder.patch_embeddings[3]
        with_token = with_class_token(model, actual[2], embeddings.cls_token)
        torch.testing.assert_close(with_token, expected[3], rtol=1e-10, atol=1e-10)
        embeddings.position_embeddings = nn.Parameter(embeddings.position_embeddings[:, 1:])
        embeddings.cls_token = None
        torch.testing.assert_close(actual[3], stage_maps(pvt, pixel_values)[3], rtol=1e-10, atol=1e-10)


def with_class_token(model: MVLT, tokens: Tensor, class_token: Tensor) -> Tensor:
    stage = model.encoder.levels[3]
    side = SIZE // 16
    patches, grid = stage.patch_embedding(tokens.transpose(1, 2).unflatten(2, (side, side)))
    class_token = (class_token + stage.visual_positions[:, :1]).expand(len(tokens), -1, -1)
    tokens = torch.cat([patches + stage.positions(grid), class_token], dim=1)
    for block in stage.blocks:
        tokens = block(tokens, grid, None)
    return torch.cat([tokens[:, -1:], tokens[:, :-1]], dim=1)


def test_report_lists_what_stays_out(reference: nn.Module, tmp_path: Path) -> None:
    reference.save_pretrained(tmp_path)
    report = load_pvt(build(), str(tmp_path))
    assert set(report.unexpected) == {
        "classifier.bias",
        "classifier.weight",
        "encoder.layer_norm.bias",
        "encoder.layer_norm.weight",
        "encoder.patch_embeddings.3.cls_token",
    }
    assert report.resized == []


def test_position_tables_of_another_size_are_resized(reference: nn.Module, tmp_path: Path) -> None:
    reference.save_pretrained(tmp_path)
    same, larger = build(), build(image_size=96)
    load_pvt(same, str(tmp_path))
    report = load_pvt(larger, str(tmp_path))
    assert len(report.resized) == 4
    pixel_values = torch.rand(1, 3, 96, 96)
    with torch.inference_mode():
        for ours, theirs in zip(
            larger.encoder(pixel_values, None)[0], same.encoder(pixel_values, None)[0], strict=True
        ):
            torch.testing.assert_close(ours, theirs)
    slot = reference.pvt.encoder.patch_embeddings[3].position_embeddings[:, :1]
    assert torch.equal(larger.encoder.levels[3].visual_positions[:, :1], slot)
