"""BERT's embeddings and masked-word head against their formulas."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fashionvl.models.blocks.bert import BertEmbeddings, MaskedLanguageHead, init_transformer_weights
from fashionvl.models.blocks.transformer import Activation


def test_embeddings_are_the_normalised_sum_of_word_position_and_type() -> None:
    embeddings = BertEmbeddings(vocab_size=9, width=6, positions=5).eval()
    input_ids = torch.tensor([[2, 7, 0], [1, 1, 8]])
    token_type_ids = torch.tensor([[0, 1, 1], [0, 0, 0]])
    for batch in range(2):
        for place in range(3):
            total = (
                embeddings.word.weight[input_ids[batch, place]]
                + embeddings.position.weight[place]
                + embeddings.token_type.weight[token_type_ids[batch, place]]
            )
            expected = (total - total.mean()) / torch.sqrt(total.var(unbiased=False) + 1e-12)
            actual = embeddings(input_ids, token_type_ids)[batch, place]
            torch.testing.assert_close(actual, expected)
    torch.testing.assert_close(embeddings(input_ids), embeddings(input_ids, torch.zeros_like(input_ids)))


def test_dropout_acts_in_training_only() -> None:
    embeddings = BertEmbeddings(vocab_size=9, width=64, positions=5, dropout=0.5)
    dropped = (embeddings.train()(torch.zeros(4, 5, dtype=torch.long)) == 0).float().mean()
    assert 0.4 < dropped < 0.6
    assert (embeddings.eval()(torch.zeros(4, 5, dtype=torch.long)) != 0).all()


def test_positions_can_start_later() -> None:
    embeddings = BertEmbeddings(vocab_size=9, width=6, positions=5).eval()
    whole = embeddings(torch.tensor([[2, 7, 0, 4]]))
    torch.testing.assert_close(embeddings(torch.tensor([[0, 4]]), start=2), whole[:, 2:])


@pytest.mark.parametrize("activation", ["gelu", "gelu_new"])
def test_masked_language_head_decodes_with_the_word_matrix(activation: Activation) -> None:
    head = MaskedLanguageHead(width=6, vocab_size=9, layer_norm_eps=1e-5, activation=activation)
    nn.init.normal_(head.bias)
    states, words = 3 * torch.randn(4, 6), torch.randn(9, 6)
    hidden = head.dense(states)
    share = {
        "gelu": torch.erf(hidden / math.sqrt(2)),
        "gelu_new": torch.tanh(math.sqrt(2 / math.pi) * (hidden + 0.044715 * hidden**3)),
    }
    hidden = hidden * 0.5 * (1 + share[activation])
    expected = F.layer_norm(hidden, [6], head.norm.weight, head.norm.bias, 1e-5) @ words.T + head.bias
    torch.testing.assert_close(head(states, words), expected, rtol=1e-5, atol=1e-5)


def test_initial_deviations() -> None:
    module = nn.Sequential(nn.Linear(200, 300), nn.Embedding(300, 200)).apply(init_transformer_weights)
    assert abs(module[0].weight.std() - 0.02) < 1e-3
    assert (module[0].bias == 0).all()
    assert abs(module[1].weight.std() - 0.02) < 1e-3
