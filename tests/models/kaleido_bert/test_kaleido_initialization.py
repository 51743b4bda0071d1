"""Kaleido-BERT's initial weights."""

import pytest
import torch

from fashionvl.models.kaleido_bert import KaleidoBERT
from fashionvl.models.kaleido_bert.initialization import Initialization


def build(initialization: Initialization) -> KaleidoBERT:
    torch.manual_seed(0)
    return KaleidoBERT(
        vocab_size=300,
        hidden_size=64,
        layers=1,
        heads=4,
        intermediate_size=128,
        text_positions=12,
        patch_width=96,
        initialization=initialization,
        initializer_range=0.05,
    )


@pytest.mark.parametrize("initialization", ["released", "bert"])
def test_matrices_are_cut_at_two_deviations(initialization: Initialization) -> None:
    model = build(initialization)
    layer = model.encoder.layers[0]
    for matrix in (
        layer.attention.query.weight,
        layer.widen.weight,
        model.text_embeddings.word.weight,
        model.patch_embeddings.levels["3"].projector.weight,
        model.patch_embeddings.levels["3"].types,
        model.patch_embeddings.position.weight,
        model.akpm["jigsaw"].classifier.weight,
        model.matching.weight,
    ):
        assert matrix.abs().max() <= 0.1
        assert 0.03 < matrix.std() < 0.06  # 0.88 of 0.05 for the cut normal distribution
    assert model.category.classifier.weight.abs().max() <= 0.02
    assert (model.patch_embeddings.levels["3"].norm.weight == 1).all()


def test_released_draws_the_biases_of_queries_keys_and_values() -> None:
    for initialization in ("released", "bert", "xavier"):
        layer = build(initialization).encoder.layers[0]
        for projection in (layer.attention.query, layer.attention.key, layer.attention.value):
            assert projection.bias.any() == (initialization == "released")
        assert not layer.attention.output.bias.any()
        assert not layer.widen.bias.any()


def test_xavier_follows_the_widths() -> None:
    model = build("xavier")
    limit = (6 / (64 + 128)) ** 0.5
    assert 0.95 * limit < model.encoder.layers[0].widen.weight.abs().max() <= limit
    assert abs(model.text_embeddings.word.weight.std() - 64**-0.5) < 0.005
    assert abs(model.patch_embeddings.levels["5"].types.std() - 64**-0.5) < 0.02
