"""Weights in and out: round trips, released and PVT checkpoints, one clear line for what does not fit."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from fashionvl.errors import InputError
from fashionvl.models.mvlt import MVLT
from fashionvl.models.mvlt.weights import LoadReport, load_pvt, load_released, load_state, to_released

IMAGE = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
IDS = torch.tensor([[2, 9, 8, 7, 3, 0, 0, 0], [2, 6, 3, 0, 0, 0, 0, 0]])
HEADS = {"itm_head", "mlm_head", "sup_cls_head", "sub_cls_head", "t2i_head"}


def same(left: MVLT, right: MVLT) -> bool:
    first, second = left.eval()(IMAGE, IDS), right.eval()(IMAGE, IDS)
    return all(torch.equal(first[name], second[name]) for name in first)


def fails_in_one_line(call: Callable[[], object], *words: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    assert [word for word in words if word not in message] == [], message


def pvt_state(model: MVLT) -> dict[str, torch.Tensor]:
    """The visual path under the original PVT names, with the parts of PVT that MVLT lacks."""
    visual = ("pos_embed", "patch_embed", "block")
    state = {
        name: value for name, value in to_released(model.state_dict()).items() if name.startswith(visual)
    }
    width = model.encoder.levels[3].visual_positions.shape[2]
    spare = {
        "cls_token": (1, 1, width),
        "norm.weight": (width,),
        "norm.bias": (width,),
        "head.weight": (9, width),
    }
    return state | {name: torch.zeros(shape) for name, shape in spare.items()} | {"head.bias": torch.zeros(9)}


@pytest.mark.parametrize("decoder", ["unet", "partial"])
def test_save_and_from_pretrained(build, decoder: str, tmp_path: Path) -> None:
    model = build(decoder=decoder, mask_padding=True)
    model.save_pretrained(tmp_path)
    again = MVLT.from_pretrained(tmp_path)
    assert same(model, again)
    assert again.mask_padding
    saved = json.loads((tmp_path / "config.json").read_text())
    assert saved.pop("class_path") == "fashionvl.models.mvlt.model.MVLT"
    assert again.config == model.config == saved


def test_pretrained_pvt_is_not_fetched_again(build, tmp_path: Path) -> None:
    donor = build()
    pvt = tmp_path / "pvt_tiny.pth"
    torch.save(pvt_state(donor), pvt)
    model = build(pretrained_pvt=str(pvt))
    model.save_pretrained(tmp_path / "saved")
    pvt.unlink()
    assert same(model, MVLT.from_pretrained(tmp_path / "saved"))
    assert json.loads((tmp_path / "saved" / "config.json").read_text())["pretrained_pvt"] is None


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_released_checkpoint(build, suffix: str, tmp_path: Path) -> None:
    donor = build(decoder="partial")
    state = to_released(donor.state_dict()) | {"text_embeddings.position_ids": torch.arange(12)[None]}
    path = tmp_path / f"checkpoint_retrieval.{suffix}"
    if suffix == "pth":
        torch.save({"model": state, "epoch": 3, "args": argparse.Namespace(lr=0.1, opt_betas=None)}, path)
    else:
        save_file(state, path)
    model = build(decoder="partial", drop_path=0.3)
    torch.nn.init.zeros_(model.text_embeddings.word.weight)
    assert load_released(model, path) == LoadReport(unexpected=["text_embeddings.position_ids"])
    assert same(donor, model)


def test_released_tables_keep_their_size(build, tmp_path: Path) -> None:
    donor = build(decoder="partial", image_size=32, sr_ratios=[2, 2, 1, 1])
    torch.save({"model": to_released(donor.state_dict())}, tmp_path / "released.pth")
    model = build(decoder="partial", image_size=64, sr_ratios=[2, 2, 1, 1])
    load_released(model, tmp_path / "released.pth")
    assert same(donor, model)
    assert model.config["image_size"] == 32
    assert all(stage.visual_positions.requires_grad for stage in model.encoder.levels)
    model.save_pretrained(tmp_path / "saved")
    assert same(model, MVLT.from_pretrained(tmp_path / "saved"))


def test_heads_may_be_absent_as_a_whole(build, tmp_path: Path) -> None:
    donor, model = build(decoder="partial"), build(decoder="partial")
    kept = {"sup_cls_head", "sub_cls_head"}
    state = {
        name: value
        for name, value in to_released(donor.state_dict()).items()
        if not any(name.startswith(head) for head in HEADS - kept)
    }
    torch.save({"model": state}, tmp_path / "checkpoint_recognition.pth")
    report = load_released(model, tmp_path / "checkpoint_recognition.pth")
    assert {key.split(".")[0] for key in report.missing} == {"matching", "language", "decoder"}
    del state["sub_cls_head.linear_bias"]
    torch.save({"model": state}, tmp_path / "torn.pth")
    fails_in_one_line(
        lambda: load_released(model, tmp_path / "torn.pth"), "torn.pth", "1 missing", "subcategory.extra_bias"
    )


def test_partial_decoder_left_over_by_a_unet_is_reported(build, tmp_path: Path) -> None:
    donor = build(decoder="partial")
    torch.save({"model": to_released(donor.state_dict())}, tmp_path / "released.pth")
    model = build()
    before = model.decoder.output.weight.clone()
    report = load_released(model, tmp_path / "released.pth")
    assert {name.split(".")[0] for name in report.unexpected} == {"t2i_head"}
    assert {key.split(".")[0] for key in report.missing} == {"decoder"}
    assert torch.equal(model.decoder.output.weight, before)
    assert not any(name.startswith("t2i_head") for name in to_released(model.state_dict()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.update(extra=torch.zeros(1)), ["1 unexpected (extra)"]),
        (
            lambda state: state.pop("block2.1.attn.kv.bias"),
            ["encoder.stages.1.blocks.1.attention.key_value.bias"],
        ),
        (
            lambda state: state.update({"text_embed1.0.weight": torch.zeros(3, 3)}),
            ["encoder.stages.0.text_projection.0.weight [3, 3] instead of [16, 24]"],
        ),
        (
            lambda state: state.update({"pos_embed2": torch.zeros(1, 60, 16)}),
            ["[1, 60, 16] instead of [1, 64, 16]"],
        ),
        (
            lambda state: state.update({"mlm_head.mlm_decoder.weight": torch.zeros(50, 24)}),
            ["mlm_head.mlm_decoder.weight differs from text_embeddings.word_embeddings.weight"],
        ),
    ],
    ids=["extra", "missing", "shape", "table", "untied"],
)
def test_released_checkpoint_that_does_not_fit(build, change, words: list[str], tmp_path: Path) -> None:
    model, twin = build(decoder="partial"), build(decoder="partial")
    donor = build(decoder="partial", image_size=96)
    state = {name: value + 1 for name, value in to_released(donor.state_dict()).items()}
    change(state)
    torch.save({"model": state}, tmp_path / "bad.pth")
    fails_in_one_line(lambda: load_released(model, tmp_path / "bad.pth"), "bad.pth", *words)
    assert same(model, twin), "a refused checkpoint must leave the model as it was"


def test_own_checkpoint_of_another_configuration(build, tmp_path: Path) -> None:
    other = build(depths=[1, 1, 1, 1], embed_dims=[16, 16, 48, 32])
    fails_in_one_line(
        lambda: load_state(build(), other.state_dict(), "last.ckpt"),
        "last.ckpt: these are weights of another configuration",
        "missing (encoder.stages.1.blocks.1.",
        "of another shape (encoder.stages.2.visual_positions [1, 16, 48] instead of [1, 16, 24]",
        "more)",
    )
    build().save_pretrained(tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    del state["matching.extra_bias"]
    save_file(state, tmp_path / "model.safetensors")
    fails_in_one_line(lambda: MVLT.from_pretrained(tmp_path), "model.safetensors", "matching.extra_bias")


def test_original_pvt_file(build, tmp_path: Path) -> None:
    donor, model = build(), build()
    for stage in donor.encoder.levels:
        torch.nn.init.normal_(stage.blocks[0].mlp[0].weight)
    torch.save(pvt_state(donor), tmp_path / "pvt.pth")
    text = model.text_embeddings.word.weight.clone()
    report = load_pvt(model, str(tmp_path / "pvt.pth"))
    assert set(report.unexpected) == {"cls_token", "norm.weight", "norm.bias", "head.weight", "head.bias"}
    assert all(
        key.startswith(("text_", "matching", "language", "category", "subcategory", "decoder"))
        or ".text_" in key
        for key in report.missing
    )
    assert torch.equal(model.text_embeddings.word.weight, text)
    for ours, theirs in zip(model.encoder(IMAGE, None)[0], donor.encoder(IMAGE, None)[0], strict=True):
        assert torch.equal(ours, theirs)


def test_pvt_that_does_not_fit(build, tmp_path: Path) -> None:
    torch.save(pvt_state(build(depths=[2, 2, 1, 1])), tmp_path / "deep.pth")
    fails_in_one_line(
        lambda: build(pretrained_pvt=str(tmp_path / "deep.pth")), "deep.pth", "unexpected (block1.1."
    )
    torch.save(pvt_state(build(embed_dims=[16, 16, 24, 64])), tmp_path / "wide.pth")
    fails_in_one_line(
        lambda: build(pretrained_pvt=str(tmp_path / "wide.pth")),
        "encoder.stages.3.visual_positions [1, 5, 64]",
    )
