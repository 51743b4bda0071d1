"""Kaleido-BERT as a whole: masks, heads, matching, captions step by step, gradients, configuration."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonargparse import ArgumentParser
from safetensors.torch import load_file, save_file

from fashionvl.data.records import Pairs, Patches, Pixels
from fashionvl.errors import InputError
from fashionvl.models.kaleido_bert import Encoded, KaleidoBERT

BLANK = torch.tensor([[0, 7, 24], [3, 4, 5], [24, 1, 12]])
SHARED = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(model: KaleidoBERT, pairs: Pairs, **options: torch.Tensor | bool) -> Encoded:
    assert pairs.patches is not None
    return model.encode(pairs.input_ids, pairs.attention_mask, pairs.patches, **options)


@torch.inference_mode()
@SHARED
@given(extra=st.integers(1, 4), junk=st.integers(0, 49), causal=st.booleans(), seed=st.integers(0, 99))
def test_padding_of_any_length_and_content_changes_nothing_else(
    build_kaleido, draw_pairs, extra: int, junk: int, causal: bool, seed: int
) -> None:
    model, pairs = build_kaleido(), draw_pairs(seed=seed)
    longer = dataclasses.replace(
        pairs,
        input_ids=torch.nn.functional.pad(pairs.input_ids, (0, extra), value=junk),
        attention_mask=torch.nn.functional.pad(pairs.attention_mask, (0, extra)),
    )
    short, long = (read(model, given, causal_text=causal) for given in (pairs, longer))
    real = pairs.attention_mask.bool()
    torch.testing.assert_close(short.text[real], long.text[:, : real.shape[1]][real])
    torch.testing.assert_close(short.pooled, long.pooled)
    for level, states in short.levels.items():
        torch.testing.assert_close(states, long.levels[level])
    torch.testing.assert_close(model.match(pairs), model.match(longer))


@torch.inference_mode()
@SHARED
@given(order=st.permutations(range(4)), seed=st.integers(0, 99))
def test_pairs_do_not_see_each_other(build_kaleido, draw_pairs, order: list[int], seed: int) -> None:
    model, pairs = build_kaleido(), draw_pairs(4, seed=seed)
    turned = Pairs(
        pairs.pixel_values[order],
        pairs.input_ids[order],
        pairs.attention_mask[order],
        patches=pairs.patches[torch.tensor(order)],
    )
    torch.testing.assert_close(read(model, turned).sequence, read(model, pairs).sequence[order])
    torch.testing.assert_close(model.match(turned), model.match(pairs)[order])


@torch.inference_mode()
@SHARED
@given(data=st.data(), seed=st.integers(0, 99))
def test_the_features_of_a_blanked_patch_do_not_matter(build_kaleido, draw_pairs, data, seed: int) -> None:
    model, pairs = build_kaleido(), draw_pairs(1, seed=seed)
    blank = torch.tensor([data.draw(st.lists(st.integers(0, 24), min_size=1, max_size=4, unique=True))])
    features = pairs.patches.features.clone()
    features[0, 30 + blank[0]] = 7.0
    other = dataclasses.replace(pairs, patches=Patches(features, pairs.patches.boxes))
    assert torch.equal(read(model, pairs, blank=blank).sequence, read(model, other, blank=blank).sequence)
    assert not torch.equal(read(model, pairs).sequence, read(model, other).sequence)


def test_the_sequence_is_text_then_levels(build_kaleido, draw_pairs) -> None:
    encoded = read(build_kaleido(), draw_pairs())
    assert {level: tuple(states.shape) for level, states in encoded.levels.items()} == {
        n: (3, n * n, 16) for n in (1, 2, 3, 4, 5)
    }
    whole = torch.cat([encoded.text, *encoded.levels.values()], dim=1)
    assert torch.equal(whole, encoded.sequence)
    patches = torch.tensor([[3, 15], [0, 0], [7, 8]])
    chosen = encoded.chosen(4, patches)
    assert torch.equal(chosen[2, 1], encoded.levels[4][2, 8])
    assert chosen.shape == (3, 2, 16)


def test_masked_patches_are_not_read(build_kaleido, draw_pairs) -> None:
    model, pairs = build_kaleido(), draw_pairs()
    mask = torch.ones(3, 55).long()
    mask[:, [0, 20, 40]] = 0
    features = torch.where(mask[..., None] == 1, pairs.patches.features, 9.0)
    other = dataclasses.replace(pairs, patches=Patches(features, pairs.patches.boxes))
    first, second = read(model, pairs, patch_mask=mask), read(model, other, patch_mask=mask)
    torch.testing.assert_close(first.text, second.text)
    assert not torch.allclose(first.text, read(model, pairs).text)


def test_causal_text_reads_earlier_text_and_patches_which_read_patches_only(
    build_kaleido, draw_pairs
) -> None:
    model, pairs = build_kaleido(), draw_pairs()
    pairs.attention_mask = torch.ones_like(pairs.attention_mask)
    changed = dataclasses.replace(pairs, input_ids=pairs.input_ids.clone())
    changed.input_ids[:, 5] = 49
    one, two = read(model, pairs, causal_text=True), read(model, changed, causal_text=True)
    torch.testing.assert_close(one.text[:, :5], two.text[:, :5])
    assert not torch.allclose(one.text[:, 6], two.text[:, 6])
    for level in one.levels:
        torch.testing.assert_close(one.levels[level], two.levels[level])
    features = pairs.patches.features.clone()
    features[:, 54] = 5.0
    seen = dataclasses.replace(pairs, patches=Patches(features, pairs.patches.boxes))
    assert not torch.allclose(one.text[:, 0], read(model, seen, causal_text=True).text[:, 0])


@pytest.mark.parametrize("steps", [[1] * 8, [3, 1, 4]])
def test_captions_read_step_by_step_equal_one_causal_pass(
    build_kaleido, draw_pairs, steps: list[int]
) -> None:
    model, pairs = build_kaleido(), draw_pairs()
    cache, parts, start = model.read_patches(pairs.patches), [], 0
    for count in steps:
        states, cache = model.read_text(pairs.input_ids[:, start : start + count], cache)
        parts.append(states)
        start += count
    pairs.attention_mask = torch.ones_like(pairs.attention_mask)
    torch.testing.assert_close(torch.cat(parts, dim=1), read(model, pairs, causal_text=True).text)


def test_every_head_has_its_shape(build_kaleido, draw_pairs) -> None:
    model, pairs = build_kaleido(), draw_pairs()
    encoded = read(model, pairs, blank=BLANK)
    assert model.itm_logits(encoded.pooled).shape == (3, 2)
    assert model.mlm_logits(encoded.text[:, 1]).shape == (3, 50)
    assert model.rotation_logits(encoded).shape == (3, 4)
    assert model.jigsaw_logits(encoded).shape == (3, 24)
    assert model.camouflage_logits(encoded).shape == (3, 9)
    assert model.grey_prediction(encoded.chosen(4, BLANK[:, :2] % 16)).shape == (3, 2, 6)
    assert model.blank_prediction(encoded.chosen(5, BLANK)).shape == (3, 3, 6)
    assert [logits.shape for logits in model.recognise(pairs)] == [(3, 5), (3, 7)]
    akpm = {"rotation", "jigsaw", "camouflage", "grey", "blank"}
    assert set(model.heads()) == {"itm", "mlm", "category", "subcategory"} | akpm


@pytest.mark.parametrize(
    ("levels", "blank_level", "present"),
    [((1, 3), 5, {"rotation", "camouflage"}), ((8,), 8, {"blank"}), ((4, 6), 5, {"grey"})],
)
def test_a_grid_without_a_level_lacks_its_head(
    build_kaleido, draw_pairs, levels: tuple[int, ...], blank_level: int, present: set[str]
) -> None:
    model = build_kaleido(levels=levels, blank_level=blank_level)
    assert set(model.heads()) - {"itm", "mlm", "category", "subcategory"} == present
    encoded = read(model, draw_pairs(levels=levels))
    assert set(encoded.levels) == set(levels)
    with pytest.raises(InputError, match=r"model.init_args.jigsaw: it reads level 2, .* set it to null"):
        model.jigsaw_logits(encoded)


def test_matching_ranks_by_the_logit_its_difference_or_the_sigmoid(build_kaleido, draw_pairs) -> None:
    pairs = draw_pairs()
    for options, score in (
        ({}, lambda logits: logits[:, 1]),
        ({"match_score": "difference"}, lambda logits: logits[:, 1] - logits[:, 0]),
        ({"itm": "sigmoid"}, lambda logits: logits[:, 0]),
        ({"itm": "sigmoid", "match_score": "difference"}, lambda logits: logits[:, 0]),
    ):
        model = build_kaleido(**options)
        logits = model.itm_logits(read(model, pairs).pooled)
        assert logits.shape[1] == (1 if "itm" in options else 2)
        torch.testing.assert_close(model.match(pairs), score(logits))


def test_matching_computes_the_last_layer_for_the_class_token_only(build_kaleido, draw_pairs) -> None:
    model, seen = build_kaleido(), []
    for layer in model.encoder.layers:
        layer.widen.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape[1]))
    model.match(draw_pairs())
    assert seen == [63, 1]


def test_missing_patches_and_too_long_captions_are_named(build_kaleido, draw_pairs) -> None:
    model, pairs = build_kaleido(), draw_pairs(length=13)
    with pytest.raises(InputError, match=r"input_ids: 13 tokens, the model has text_positions 12"):
        model.match(pairs)
    with pytest.raises(InputError, match=r"data.init_args.kaleido: null"):
        model.recognise(dataclasses.replace(pairs, patches=None))


def test_gradient_reaches_every_parameter(build_kaleido, draw_pairs) -> None:
    model, pairs = build_kaleido().train(), draw_pairs()
    encoded = read(model, pairs, blank=BLANK)
    outputs = [
        model.itm_logits(encoded.pooled),
        model.mlm_logits(encoded.text),
        model.rotation_logits(encoded),
        model.jigsaw_logits(encoded),
        model.camouflage_logits(encoded),
        model.grey_prediction(encoded.chosen(4, BLANK % 16)),
        model.blank_prediction(encoded.chosen(5, BLANK)),
        *model.category_logits(encoded.pooled),
    ]
    sum(output.square().mean() for output in outputs).backward()
    # A key's bias shifts all scores of a query alike, which a softmax does not see.
    starved = [
        name
        for name, value in model.named_parameters()
        if (value.grad is None or not value.grad.any()) and not name.endswith("attention.key.bias")
    ]
    assert starved == []


def test_a_config_file_builds_it() -> None:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(KaleidoBERT, "model")
    overlay = {"levels": [1, 2], "hidden_size": 8, "heads": 1, "layers": 1, "vocab_size": 9, "itm": "sigmoid"}
    parsed = parser.parse_object({"model": overlay | {"intermediate_size": 8}})
    model = parser.instantiate_classes(parsed).model
    assert model.grid.levels == (1, 2)
    assert model.matching.out_features == 1


def test_save_and_from_pretrained(build_kaleido, draw_pairs, tmp_path: Path) -> None:
    model, pairs = build_kaleido(levels=(1, 3), itm="sigmoid"), draw_pairs(levels=(1, 3))
    model.save_pretrained(tmp_path)
    again = KaleidoBERT.from_pretrained(tmp_path)
    assert torch.equal(again.match(pairs), model.match(pairs))
    saved = json.loads((tmp_path / "config.json").read_text())
    assert saved.pop("class_path") == "fashionvl.models.kaleido_bert.model.KaleidoBERT"
    assert again.config == model.config == saved
    state = load_file(tmp_path / "model.safetensors")
    del state["pooler.weight"]
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match=r"model.safetensors: .* 1 missing \(pooler.weight\)"):
        KaleidoBERT.from_pretrained(tmp_path)


def test_it_runs_in_bfloat16(build_kaleido, draw_pairs) -> None:
    model, pairs = build_kaleido(), draw_pairs()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = model.match(pairs)
    torch.testing.assert_close(scores.float(), model.match(pairs), atol=0.2, rtol=0.1)


@torch.inference_mode()
def test_recognition_from_one_input_is_attention_that_reads_no_other(build_kaleido, draw_pairs) -> None:
    model, pairs = build_kaleido(), draw_pairs()
    blind = read(model, pairs, patch_mask=torch.zeros(3, model.grid.patches, dtype=torch.int64))
    torch.testing.assert_close(model.recognise_text(pairs.texts), model.category_logits(blind.pooled))
    alone = dataclasses.replace(
        pairs, attention_mask=torch.nn.functional.one_hot(torch.zeros(3, dtype=torch.int64), 8)
    )
    first = pairs.input_ids[:, 0]
    torch.testing.assert_close(model.recognise_image(pairs.images, first), model.recognise(alone))
    with pytest.raises(InputError, match="Kaleido-BERT sees photographs as kaleido patches"):
        model.recognise_image(Pixels(torch.zeros(3, 3, 8, 8)), first)
