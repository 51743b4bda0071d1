"""MVLT as a whole: heads, matching, padding, gradients, sizes, configuration."""

import dataclasses

import pytest
import torch
from jsonargparse import ArgumentParser

from fashionvl.data.records import PairBatch, Patches, Pixels, Texts
from fashionvl.errors import InputError
from fashionvl.models.mvlt import MVLT, SIZES

PIXELS = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
IDS = torch.tensor([[2, 9, 8, 7, 3, 0, 0, 0], [2, 6, 3, 0, 0, 0, 0, 0]])
MASK = (IDS != 0).long()


def pairs(input_ids: torch.Tensor, attention_mask: torch.Tensor) -> PairBatch:
    blank = {field.name: torch.zeros(2, dtype=torch.long) for field in dataclasses.fields(PairBatch)}
    given = {"pixel_values": PIXELS, "input_ids": input_ids, "attention_mask": attention_mask}
    return PairBatch(**(blank | given))


def test_forward_has_the_released_names_and_shapes(build) -> None:
    shapes = {name: tuple(logits.shape) for name, logits in build()(PIXELS, IDS).items()}
    assert shapes == {
        "mlm_logits": (2, 8, 50),
        "itm_logits": (2, 1, 2),
        "sup_cls_logits": (2, 1, 5),
        "sub_cls_logits": (2, 1, 7),
        "t2i_logits": (2, 3, 64, 64),
    }


def test_words_of_selected_rows_equal_those_of_all_rows(build) -> None:
    model = build()
    states = model.encode(PIXELS, IDS).text
    chosen = torch.rand(2, 8) < 0.5
    full = model(PIXELS, IDS)["mlm_logits"]
    torch.testing.assert_close(model.mlm_logits(states[chosen]), full[chosen])


def test_match_orders_pairs_as_the_softmax_does(build) -> None:
    model = build()
    scores = model.match(pairs(IDS, MASK))
    matched = model(PIXELS, IDS)["itm_logits"][:, 0].softmax(-1)[:, 1]
    torch.testing.assert_close(scores.sigmoid(), matched)


def test_padding_is_read_as_released_unless_masked(build) -> None:
    other = torch.where(MASK.bool(), IDS, 31)
    for masked in (False, True):
        model = build(mask_padding=masked)
        same = torch.allclose(model.match(pairs(IDS, MASK)), model.match(pairs(other, MASK)), atol=1e-6)
        assert same is masked


def test_masked_padding_changes_nothing_by_its_length_either(build) -> None:
    model = build(mask_padding=True)
    wide = torch.rand(2, 3, 64, 96)
    long, short = model.encode(wide, IDS, MASK), model.encode(wide, IDS[:, :5], MASK[:, :5])
    for k in range(4):
        torch.testing.assert_close(long.visual[k], short.visual[k])
    torch.testing.assert_close(long.textual[3][0, :5], short.textual[3][0])
    unmasked = build(mask_padding=False)
    torch.testing.assert_close(unmasked.encode(PIXELS, IDS, MASK).pooled, unmasked.encode(PIXELS, IDS).pooled)


def test_too_long_a_text_is_named(build) -> None:
    with pytest.raises(InputError, match=r"input_ids: 9 tokens, .* max_tokens 8"):
        build().encode(PIXELS, torch.zeros(2, 9, dtype=torch.long))


@pytest.mark.parametrize("decoder", ["unet", "partial"])
def test_gradient_reaches_every_parameter(build, decoder: str) -> None:
    model = build(decoder=decoder, drop_path=0.0).train()
    sum(logits.square().mean() for logits in model(PIXELS, IDS).values()).backward()
    starved = [name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()]
    assert starved == []
    # Rows that are never read: PVT's [CLS] slot, positions past the text length, the second token type.
    assert not model.encoder.levels[3].visual_positions.grad[:, 0].any()
    assert not model.text_embeddings.position.weight.grad[8:].any()
    assert not model.text_embeddings.token_type.weight.grad[1].any()


def test_the_word_matrix_learns_from_both_ends(build) -> None:
    model = build()
    unseen = 40
    model(PIXELS, IDS)["mlm_logits"].square().mean().backward()
    assert model.text_embeddings.word.weight.grad[unseen].any()
    assert "mlm" not in "".join(model.state_dict())


@pytest.mark.parametrize(
    ("size", "millions"), [("tiny", 40.2), ("small", 51.4), ("medium", 71.2), ("large", 88.3)]
)
def test_published_sizes(size: str, millions: float) -> None:
    with torch.device("meta"):
        model = MVLT(**SIZES[size])
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert parameters / 1e6 == pytest.approx(millions, abs=0.05)
    assert [len(stage.blocks) for stage in model.encoder.levels] == SIZES[size]["depths"]


def test_a_config_file_builds_it() -> None:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(MVLT, "model")
    overlay = {"embed_dims": [8, 8, 8, 8], "num_heads": [1, 1, 1, 1], "image_size": 64, "vocab_size": 30}
    parsed = parser.parse_object({"model": overlay | {"decoder_width": [8, 8, 8, 4], "text_width": 8}})
    model = parser.instantiate_classes(parsed).model
    assert model.encoder.image_size == 64
    assert model.config["decoder_width"] == [8, 8, 8, 4]


def test_it_runs_in_bfloat16(build) -> None:
    model = build(mask_padding=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = model.match(pairs(IDS, MASK))
    torch.testing.assert_close(scores.float(), model.match(pairs(IDS, MASK)), atol=0.05, rtol=0.05)


@torch.inference_mode()
def test_recognition_from_one_input_is_attention_that_reads_no_other(build) -> None:
    model, generator = build(mask_padding=True), torch.Generator().manual_seed(1)
    pixels, ids = torch.rand(2, 3, 64, 64, generator=generator), torch.tensor([[2, 9, 8, 3], [2, 7, 3, 0]])
    mask = (ids != 0).long()
    cls_alone = torch.zeros_like(mask)
    cls_alone[:, 0] = 1
    expected = model.category_logits(model.encode(pixels, ids, cls_alone).pooled)
    torch.testing.assert_close(model.recognise_image(Pixels(pixels), ids[:, 0]), expected)
    states = model.encoder.text_states(model.text_embeddings(ids), mask.bool())[-1]
    torch.testing.assert_close(model.recognise_text(Texts(ids, mask)), model.category_logits(states[:, 0]))
    with pytest.raises(InputError, match="MVLT sees photographs as pixels"):
        model.recognise_image(Patches(torch.zeros(2, 55, 6), torch.zeros(2, 55, 5)), ids[:, 0])
    with pytest.raises(InputError, match="9 tokens, the model has max_tokens 8"):
        model.recognise_text(Texts(torch.ones(2, 9, dtype=torch.int64), torch.ones(2, 9, dtype=torch.int64)))
