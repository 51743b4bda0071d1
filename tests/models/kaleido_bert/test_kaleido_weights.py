"""Weights in and out: released variables, TensorFlow checkpoints, BERT; one line for what does not fit."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from fashionvl.errors import InputError
from fashionvl.models.blocks.text_encoder import text_encoder
from fashionvl.models.kaleido_bert.weights import (
    convert_released,
    load_bert,
    load_released,
    read_released,
    to_released,
)

SCOPE = "kaleido_bert_pre_trained_model/"


def fails_in_one_line(call: Callable[[], object], *words: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    assert [word for word in words if word not in message] == [], message


def test_variables_become_the_same_model(build_kaleido, draw_pairs, tmp_path: Path) -> None:
    donor, model, pairs = build_kaleido(), build_kaleido(initialization="xavier"), draw_pairs()
    np.savez(tmp_path / "released.npz", **to_released(donor.state_dict()))
    report = load_released(model, tmp_path / "released.npz")
    assert {key.split(".")[0] for key in report.missing} == {"category", "subcategory"}
    assert torch.equal(model.match(pairs), donor.match(pairs))
    inputs = pairs.input_ids, pairs.attention_mask, pairs.patches
    assert torch.equal(
        model.camouflage_logits(model.encode(*inputs)), donor.camouflage_logits(donor.encode(*inputs))
    )


def test_scope_suffix_and_optimizer_do_not_matter(build_kaleido) -> None:
    variables = to_released(build_kaleido().state_dict())
    expected = convert_released(variables)
    bare = {f"{name.removeprefix(SCOPE)}:0": value for name, value in variables.items()}
    slots = {
        f"{SCOPE}bert/pooler/dense/kernel/{slot}": np.ones(3)
        for slot in ("adam_m", "adam_v", "Adam", "Adam_1")
    }
    steps = {name: np.ones(()) for name in ("global_step", "beta1_power", "beta2_power")}
    found = convert_released(bare | slots | steps)
    assert set(found) == set(expected)
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_kernels_are_transposed_and_output_weights_are_not(build_kaleido) -> None:
    variables = to_released(build_kaleido().state_dict())
    shapes = {name.removeprefix(SCOPE): value.shape for name, value in variables.items()}
    assert shapes["bert/encoder/layer_1/intermediate/dense/kernel"] == (16, 24)
    assert shapes["bert/position_dense"] == (5, 16)
    assert shapes["bert/blank_embeddings/blankmask_projector"] == (6, 16)
    assert shapes["cls/img_blankmask/blanmask_output_weights"] == (16, 6)
    assert shapes["cls/img_jigsaw/jiasaw_output_weights"] == (24, 64)


def test_only_the_released_grid_has_released_names(build_kaleido) -> None:
    state = build_kaleido(levels=(1, 2)).state_dict()
    fails_in_one_line(lambda: to_released(state), "levels 1 to 5", "patch_embeddings.levels.3.projector")


def test_missing_and_unknown_variables_are_named(build_kaleido, tmp_path: Path) -> None:
    variables = to_released(build_kaleido().state_dict())
    del variables[f"{SCOPE}bert/encoder/layer_0/attention/self/query/kernel"]
    variables[f"{SCOPE}cls/img_seventh/output_weights"] = np.zeros(2)
    fails_in_one_line(
        lambda: convert_released(variables, "some.npz"),
        "some.npz: not the variables of a released Kaleido-BERT",
        "1 missing (bert/encoder/layer_0/attention/self/query/kernel)",
        "1 unknown (cls/img_seventh/output_weights)",
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layers": 1}, "unexpected (encoder.layers.1.attention.query.weight"),
        ({"layers": 3}, "missing (encoder.layers.2.attention.query.weight"),
        ({"patch_width": 7}, "levels.1.projector.weight [16, 6] instead of [16, 7]"),
        ({"itm": "sigmoid"}, "matching.weight [2, 16] instead of [1, 16]"),
        ({"levels": (1, 2, 3, 4)}, "unexpected (patch_embeddings.levels.5.projector.weight"),
    ],
)
def test_a_model_of_other_sizes_is_left_as_it_was(build_kaleido, options, words, tmp_path: Path) -> None:
    np.savez(tmp_path / "released.npz", **to_released(build_kaleido(initialization="xavier").state_dict()))
    model, twin = build_kaleido(**options), build_kaleido(**options)
    fails_in_one_line(lambda: load_released(model, tmp_path / "released.npz"), "released.npz", words)
    assert all(torch.equal(value, twin.state_dict()[key]) for key, value in model.state_dict().items())


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04 and no more")
    np.savez(tmp_path / "objects.npz", value=np.array([{}]))
    fails_in_one_line(lambda: read_released(tmp_path / "none.npz"), "none.npz: no such file")
    fails_in_one_line(lambda: read_released(tmp_path / "cut.npz"), "cut.npz: not a readable .npz")
    fails_in_one_line(lambda: read_released(tmp_path / "objects.npz"), "objects.npz: not a readable .npz")
    fails_in_one_line(
        lambda: read_released(tmp_path / "model.ckpt-1"),
        "neither an .npz file nor the prefix of a TensorFlow",
    )


def test_a_checkpoint_without_tensorflow_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.ckpt-1.index").touch()
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    fails_in_one_line(
        lambda: read_released(tmp_path / "model.ckpt-1"),
        "model.ckpt-1",
        "pip install 'fashionvl[tensorflow]'",
    )


def test_a_checkpoint_is_read_through_tensorflow(
    build_kaleido, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    donor, model = build_kaleido(initialization="xavier"), build_kaleido()
    variables = to_released(donor.state_dict()) | {"global_step": np.array(50683)}

    def load_checkpoint(prefix: str) -> SimpleNamespace:
        if prefix != str(tmp_path / "model.ckpt-50683"):
            raise ValueError("Could not read the table\nand a long explanation")
        return SimpleNamespace(
            get_variable_to_shape_map=lambda: {name: value.shape for name, value in variables.items()},
            get_tensor=variables.__getitem__,
        )

    fake = SimpleNamespace(
        train=SimpleNamespace(load_checkpoint=load_checkpoint), errors=SimpleNamespace(OpError=OSError)
    )
    monkeypatch.setitem(sys.modules, "tensorflow", fake)
    for name in ("model.ckpt-50683.index", "torn.ckpt.index"):
        (tmp_path / name).touch()
    assert "global_step" not in read_released(tmp_path / "model.ckpt-50683")
    model.load_released(tmp_path / "model.ckpt-50683")
    assert torch.equal(model.encoder.layers[1].widen.weight, donor.encoder.layers[1].widen.weight)
    fails_in_one_line(lambda: read_released(tmp_path / "torn.ckpt"), "torn.ckpt: not a readable TensorFlow")


@pytest.fixture
def bert(tmp_path: Path) -> tuple[torch.nn.Module, Path]:
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        hidden_act="gelu_new",
        max_position_embeddings=20,
    )
    model = transformers.BertForPreTraining(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(5)))
    model.save_pretrained(tmp_path / "bert")
    return model, tmp_path / "bert"


@torch.inference_mode()
def test_bert_from_transformers_answers_alike(build_kaleido, bert, tmp_path: Path) -> None:
    oracle, folder = bert
    model = build_kaleido(pretrained_bert=str(folder), levels=(1,))
    load_bert(model, str(folder))  # build_kaleido blurs what the constructor loaded
    input_ids = torch.tensor([[1, 2, 3, 4, 5, 6], [8, 9, 10, 1, 0, 0]])
    mask = (input_ids != 0).long()
    expected = oracle(input_ids, attention_mask=mask, output_hidden_states=True)
    text = model.encoder(model.text_embeddings(input_ids), mask.bool())
    torch.testing.assert_close(text, expected.hidden_states[-1], rtol=0, atol=1e-5)
    torch.testing.assert_close(model.mlm_logits(text), expected.prediction_logits, rtol=0, atol=1e-4)
    pooled = oracle.bert(input_ids, attention_mask=mask).pooler_output
    torch.testing.assert_close(torch.tanh(model.pooler(text[:, 0])), pooled, rtol=0, atol=1e-5)


def test_bert_reports_what_stays_and_is_not_fetched_again(build_kaleido, bert, tmp_path: Path) -> None:
    _, folder = bert
    model = build_kaleido()
    report = load_bert(model, str(folder))
    assert {key.split(".")[0] for key in report.missing} == {
        "patch_embeddings", "matching", "akpm", "category", "subcategory",
    }  # fmt: skip
    assert all("seq_relationship" in name or "decoder" in name for name in report.unexpected)
    assert build_kaleido(pretrained_bert=str(folder)).config["pretrained_bert"] is None


@torch.inference_mode()
def test_minilm_from_its_package_answers_alike(build_kaleido) -> None:
    sizes = {"hidden_size": 384, "layers": 6, "heads": 12, "intermediate_size": 1536, "vocab_size": 30522}
    model = build_kaleido(levels=(1,), **sizes)
    report = load_bert(model, "package:minilm")
    assert {key.split(".")[0] for key in report.missing} >= {"patch_embeddings", "matching", "language"}
    input_ids = torch.tensor([[101, 2417, 3797, 102], [101, 6471, 102, 0]])
    mask = (input_ids != 0).long()
    expected = text_encoder("package:minilm").bert(input_ids, mask).last_hidden_state
    text = model.encoder(model.text_embeddings(input_ids), mask.bool())
    # Its gelu is the exact one, Kaleido-BERT's the released code's approximation.
    torch.testing.assert_close(text[mask.bool()], expected[mask.bool()], rtol=0, atol=5e-3)


def test_bert_s_former_names_and_missing_heads(build_kaleido, bert, tmp_path: Path) -> None:
    oracle, _ = bert
    former = {
        key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for key, value in oracle.bert.state_dict().items()
        if not key.startswith("pooler")
    }
    save_file(former | {"embeddings.position_ids": torch.arange(20)}, tmp_path / "former.safetensors")
    model = build_kaleido()
    before = model.pooler.weight.clone()
    report = load_bert(model, str(tmp_path / "former.safetensors"))
    assert {"pooler.weight", "language.bias"} <= set(report.missing)
    assert report.unexpected == ["embeddings.position_ids"]
    assert torch.equal(model.pooler.weight, before)
    loaded = model.encoder.layers[1].output_norm.weight
    assert torch.equal(loaded, oracle.bert.encoder.layer[1].output.LayerNorm.weight)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layers": 1}, "unexpected (encoder.layer.1.attention.output.LayerNorm.bias"),
        ({"vocab_size": 60}, "text_embeddings.word.weight [50, 16] instead of [60, 16]"),
        ({"text_positions": 24}, "text_embeddings.position.weight [20, 16] instead of [24, 16]"),
    ],
)
def test_a_bert_that_does_not_fit(build_kaleido, bert, options, words: str) -> None:
    fails_in_one_line(
        lambda: build_kaleido(pretrained_bert=str(bert[1]), **options), "bert: these are", words
    )


def test_no_bert_there(build_kaleido, tmp_path: Path) -> None:
    fails_in_one_line(
        lambda: build_kaleido(pretrained_bert=str(tmp_path)), "holds neither model.safetensors nor"
    )
