"""Kaleido-BERT's first weights."""

from typing import Literal

from torch import Tensor, nn

from fashionvl.models.blocks.transformer import BertAttention
from fashionvl.models.kaleido_bert.embeddings import LevelEmbeddings
from fashionvl.models.kaleido_bert.heads import CategoryHead

CATEGORY_DEVIATION = 0.01  # released code, category and sub-category heads

Initialization = Literal["released", "bert", "xavier"]


def initialize(model: nn.Module, how: Initialization, deviation: float) -> None:
    """Draw all weights anew; LayerNorms keep one and zero.

    Args:
        model: as it was built.
        how: `released` draws every matrix, and the biases of queries, keys and values, from a normal
            distribution cut off at two deviations; other biases are zero. `bert` differs in that all biases
            are zero. `xavier` draws matrices by fan-in and fan-out, and embeddings with deviation
            `width ** -0.5`, for models so narrow that a deviation of 0.02 leaves their layers silent.
        deviation: of `released` and `bert`.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            _draw_linear(module, how, deviation)
        elif isinstance(module, nn.Embedding):
            _draw_table(module.weight, how, deviation)
        elif isinstance(module, LevelEmbeddings):
            _draw_table(module.types, how, deviation)
    for module in model.modules():
        if isinstance(module, CategoryHead) and how != "xavier":
            _cut_normal(module.classifier.weight, CATEGORY_DEVIATION)
        elif isinstance(module, BertAttention) and how == "released":
            for projection in (module.query, module.key, module.value):
                _cut_normal(projection.bias, deviation)


def _draw_linear(linear: nn.Linear, how: Initialization, deviation: float) -> None:
    if how == "xavier":
        nn.init.xavier_uniform_(linear.weight)
    else:
        _cut_normal(linear.weight, deviation)
    if linear.bias is not None:
        nn.init.zeros_(linear.bias)


def _draw_table(table: Tensor, how: Initialization, deviation: float) -> None:
    if how == "xavier":
        nn.init.normal_(table, std=table.shape[1] ** -0.5)
    else:
        _cut_normal(table, deviation)


def _cut_normal(weight: Tensor, deviation: float) -> None:
    """TensorFlow's truncated normal: what falls beyond two deviations is drawn again."""
    nn.init.trunc_normal_(weight, std=deviation, a=-2 * deviation, b=2 * deviation)
