"""The released MVLT's own numbers: each `mvlt_*` model in the folder FASHIONVL_GOLDEN is reproduced."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from fashionvl.models.mvlt import MVLT
from fashionvl.models.mvlt.weights import load_released, to_released

GOLDEN = Path(os.environ.get("FASHIONVL_GOLDEN", Path(__file__).parents[3] / "shared" / "golden"))
SUFFIX = "_state.safetensors"
NAMES = sorted((path.name.removesuffix(SUFFIX) for path in GOLDEN.glob(f"mvlt_*{SUFFIX}")), key=len)
IO = [
    (max((name for name in NAMES if path.name.startswith(f"{name}_")), key=len), path.name)
    for path in sorted(GOLDEN.glob("mvlt_*_io*.safetensors"))
    if any(path.name.startswith(f"{name}_") for name in NAMES)
]
KEYS = GOLDEN / "mvlt_tiny_keys.json"

pytestmark = pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"no golden folder at {GOLDEN}")


def build(name: str) -> MVLT:
    description = json.loads((GOLDEN / f"{name}.json").read_text())
    sizes, heads = description["config"], description.get("cls_heads", {})
    bert, with_decoder = sizes["bert"], bool(sizes["loss_type"].get("t2i"))
    return MVLT(
        image_size=sizes["img_size"],
        patch_size=sizes["patch_size"],
        embed_dims=sizes["embed_dims"],
        depths=sizes["depths"],
        num_heads=sizes["num_heads"],
        mlp_ratios=sizes["mlp_ratios"],
        sr_ratios=sizes["sr_ratios"],
        drop_path=sizes["drop_path_rate"],
        vocab_size=bert["vocab_size"],
        max_tokens=sizes["num_text_tokens"],
        text_width=bert["hidden_size"],
        text_positions=bert["max_position_embeddings"],
        decoder="partial" if with_decoder else "unet",
        decoder_width=sizes["t2i_channel"] if with_decoder else 8,
        categories=heads.get("sup", 48),
        subcategories=heads.get("sub", 122),
    )


@pytest.mark.parametrize(("name", "io_name"), IO)
def test_every_output_of_the_original_is_reproduced(name: str, io_name: str) -> None:
    expected = load_file(GOLDEN / io_name)
    double = expected["pixel_values"].dtype == torch.float64
    model = build(name).to(expected["pixel_values"].dtype).eval()
    load_released(model, GOLDEN / f"{name}{SUFFIX}")
    pixel_values, input_ids = expected.pop("pixel_values"), expected.pop("input_ids")
    with torch.inference_mode():
        actual = model(pixel_values, input_ids)
        encoded = model.encode(pixel_values, input_ids)
    actual |= {f"img_feats.{k}": level for k, level in enumerate(encoded.visual)}
    actual |= {f"text_feats.{k}": level for k, level in enumerate(encoded.textual)}
    assert expected
    for key, reference in expected.items():
        assert actual[key].shape == reference.shape, key
        error = (actual[key] - reference).abs().max().item()
        scale = reference.abs().max().item()
        limit = 1e-8 * scale if double else max(1e-4, 5e-6 * scale)
        assert error <= limit, f"{key}: {error:.2e} of {scale:.3g}, limit {limit:.1e}"


@pytest.mark.parametrize("name", NAMES)
def test_conversion_there_and_back_keeps_every_tensor(name: str, tmp_path: Path) -> None:
    released = load_file(GOLDEN / f"{name}{SUFFIX}")
    model = build(name)
    load_released(model, GOLDEN / f"{name}{SUFFIX}")
    exported = to_released(model.state_dict())
    for key, value in released.items():
        assert torch.equal(exported[key], value), key
    save_file(exported, tmp_path / "again.safetensors")
    assert load_released(build(name), tmp_path / "again.safetensors").unexpected == []


@pytest.mark.skipif(not KEYS.is_file(), reason="no list of released names")
@pytest.mark.parametrize("image_size", [256, 224])
def test_full_model_has_the_released_names_and_shapes(image_size: int) -> None:
    listed = json.loads(KEYS.read_text())
    expected = listed["keys"]
    if image_size == 224:
        expected = expected | listed["shapes_that_differ_when_built_as_main_vl_does_img_size_224"]
    with torch.device("meta"):
        model = MVLT(image_size=image_size, decoder="partial")
    assert {key: list(value.shape) for key, value in to_released(model.state_dict()).items()} == expected
    assert (
        sum(parameter.numel() for parameter in model.parameters()) == listed["n_params"] or image_size == 224
    )
