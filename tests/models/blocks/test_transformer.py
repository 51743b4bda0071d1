"""BERT's layers against `transformers`' BertModel, and what the shortcuts must not change."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from fashionvl.errors import InputError
from fashionvl.models.blocks.attention import attend
from fashionvl.models.blocks.transformer import Activation, BertEncoder

SIZES: dict[str, Any] = {"layers": 3, "width": 24, "heads": 4, "intermediate": 40}
STATES = torch.randn(2, 7, 24, generator=torch.Generator().manual_seed(1))


def build(activation: Activation = "gelu", **options: float) -> BertEncoder:
    torch.manual_seed(0)
    return BertEncoder(**SIZES, activation=activation, **options).eval()


def noisy(module: nn.Module) -> nn.Module:
    """No weight at a value that would hide an error, such as a bias of zero."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return module


@pytest.mark.parametrize("activation", ["gelu", "gelu_new"])
def test_states_equal_those_of_transformers(activation: Activation) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=11,
        hidden_size=24,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=40,
        hidden_act=activation,
        max_position_embeddings=7,
    )
    oracle = noisy(transformers.BertModel(config)).eval()
    encoder = build(activation)
    copy_layers(oracle, encoder)
    input_ids = torch.tensor([[1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 1, 0, 0, 0]])
    mask = (input_ids != 0).long()
    with torch.inference_mode():
        expected = oracle(input_ids, attention_mask=mask).last_hidden_state
        actual = encoder(oracle.embeddings(input_ids), mask.bool())
        torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)


def copy_layers(oracle: nn.Module, encoder: BertEncoder) -> None:
    for theirs, ours in zip(oracle.encoder.layer, encoder.layers, strict=True):
        pairs = {
            ours.attention.query: theirs.attention.self.query,
            ours.attention.key: theirs.attention.self.key,
            ours.attention.value: theirs.attention.self.value,
            ours.attention.output: theirs.attention.output.dense,
            ours.attention_norm: theirs.attention.output.LayerNorm,
            ours.widen: theirs.intermediate.dense,
            ours.narrow: theirs.output.dense,
            ours.output_norm: theirs.output.LayerNorm,
        }
        for mine, other in pairs.items():
            mine.load_state_dict(other.state_dict())


def test_unread_states_change_nothing() -> None:
    encoder = noisy(build())
    visible = torch.tensor([[1, 1, 1, 1, 1, 0, 0], [1, 0, 1, 1, 1, 1, 1]]).bool()
    other = torch.where(visible[..., None], STATES, 9.0)
    torch.testing.assert_close(encoder(STATES, visible)[visible], encoder(other, visible)[visible])
    assert not torch.allclose(encoder(STATES)[visible], encoder(other)[visible])


def test_a_square_visibility_says_who_reads_whom() -> None:
    encoder = noisy(build())
    causal = torch.ones(7, 7).tril().bool().expand(2, -1, -1)
    changed = torch.cat([STATES[:, :4], STATES[:, 4:] + 1], dim=1)
    torch.testing.assert_close(encoder(STATES, causal)[:, :4], encoder(changed, causal)[:, :4])
    assert not torch.allclose(encoder(STATES, causal)[:, 4], encoder(changed, causal)[:, 4])


@pytest.mark.parametrize("square", [False, True])
def test_the_first_states_alone_are_the_same(square: bool) -> None:
    encoder = noisy(build())
    visible = torch.tensor([[1, 1, 1, 1, 1, 0, 0], [1, 0, 1, 1, 1, 1, 1]]).bool()
    if square:
        visible = visible[:, None] & torch.ones(7, 7).tril().bool()
    torch.testing.assert_close(encoder(STATES, visible, first=2), encoder(STATES, visible)[:, :2])


def test_extending_step_by_step_equals_one_causal_pass() -> None:
    encoder = noisy(build())
    causal = torch.ones(7, 7).tril().bool().expand(2, -1, -1)
    expected = encoder(STATES, causal)
    found, cache = encoder.extend(STATES[:, :3], causal[:, :3, :3])
    parts = [found]
    for start, end in ((3, 4), (4, 7)):
        found, cache = encoder.extend(STATES[:, start:end], causal[:, start:end, :end], cache)
        parts.append(found)
    torch.testing.assert_close(torch.cat(parts, dim=1), expected)
    assert [key.shape for key, _ in cache] == [(2, 4, 7, 6)] * 3


def test_dropout_acts_on_probabilities_and_on_residuals_in_training_only() -> None:
    for option in ({"attention_dropout": 0.5, "dropout": 0.0}, {"attention_dropout": 0.0, "dropout": 0.5}):
        encoder = build(**option)
        assert torch.equal(encoder(STATES), encoder(STATES))
        encoder.train()
        assert not torch.allclose(encoder(STATES), encoder(STATES))
    still = build(attention_dropout=0.0, dropout=0.0)
    before = still(STATES)
    assert torch.equal(still.train()(STATES), before)


@given(
    sizes=st.tuples(*[st.integers(1, 9)] * 4),
    masked=st.booleans(),
    bfloat16=st.booleans(),
    seed=st.integers(0, 99),
)
def test_scores_written_out_give_what_the_fused_kernel_gives(
    sizes: tuple[int, int, int, int], masked: bool, bfloat16: bool, seed: int
) -> None:
    heads, queries, keys, width = sizes
    draw = torch.Generator().manual_seed(seed)
    query, key, value = (
        torch.randn(2, heads, count, width, generator=draw).to(torch.bfloat16 if bfloat16 else torch.float32)
        for count in (queries, keys, keys)
    )
    mask = torch.rand(2, 1, 1, keys, generator=draw) < 0.5 if masked else None
    if mask is not None:
        mask[..., 0] = True
    exact = F.scaled_dot_product_attention(query.double(), key.double(), value.double(), attn_mask=mask)
    tolerance = 0.03 if bfloat16 else 1e-5
    for fused in (True, False):
        found = attend(query, key, value, mask, fused=fused)
        assert found.dtype == query.dtype
        torch.testing.assert_close(found.double(), exact, atol=tolerance, rtol=tolerance)


def test_it_runs_in_bfloat16() -> None:
    encoder = build()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = encoder(STATES)
    torch.testing.assert_close(states.float(), encoder(STATES), atol=0.05, rtol=0.05)


def test_heads_that_do_not_divide_the_width_are_named() -> None:
    with pytest.raises(InputError, match=r"heads: 5 does not divide hidden_size, 24"):
        BertEncoder(layers=1, width=24, heads=5, intermediate=40)


def test_bert_base_has_its_published_size() -> None:
    with torch.device("meta"):
        encoder = BertEncoder(layers=12, width=768, heads=12, intermediate=3072)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 85_054_464
