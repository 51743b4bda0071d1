"""BERT's encoder (Vaswani et al., 2017; Devlin et al., 2019): post-norm layers in which all tokens attend."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fashionvl.errors import InputError
from fashionvl.models.blocks.attention import attend
from fashionvl.models.blocks.recomputing import recomputed

BERT_NORM_EPS = 1e-12  # every LayerNorm of BERT

Activation = Literal["gelu", "gelu_new"]
KeyValue = tuple[Tensor, Tensor]
Cache = list[KeyValue]
"""Keys and values of one layer after the other, each `[B, heads, S, D]`."""


def activate(hidden: Tensor, activation: Activation, in_place: bool = False) -> Tensor:
    """GELU (Hendrycks and Gimpel, 2016); `gelu_new` is its tanh approximation, as in the original BERT.

    Args:
        hidden: of any shape.
        activation: which.
        in_place: where no gradient is recorded, write over `hidden`: the widest buffer is then held once.
    """
    approximate = "tanh" if activation == "gelu_new" else "none"
    if in_place and not torch.is_grad_enabled():
        return torch.ops.aten.gelu_(hidden, approximate=approximate)
    return F.gelu(hidden, approximate=approximate)


class BertAttention(nn.Module):
    """Multi-head attention with biases, up to and without the residual sum.

    Attributes:
        fused: see `attend`.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.fused = True
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def read(self, states: Tensor) -> KeyValue:
        """Keys and values, `[B, heads, S, D]` each, of `states [B, S, H]`."""
        return self._split(self.key(states)), self._split(self.value(states))

    def forward(self, states: Tensor, key_value: KeyValue, visible: Tensor | None) -> Tensor:
        """Attend from `states [B, Q, H]` to keys and values: `[B, Q, H]`."""
        dropout = self.dropout if self.training else 0.0
        mixed = attend(self._split(self.query(states)), *key_value, visible, dropout, self.fused)
        return self.output(mixed.transpose(1, 2).flatten(2))

    def _split(self, rows: Tensor) -> Tensor:
        return rows.unflatten(2, (self.heads, -1)).transpose(1, 2)


class BertLayer(nn.Module):
    """Attention and a two-layer MLP, each followed by dropout, the residual sum and a LayerNorm.

    Args:
        width: H.
        heads: A, a divisor of `width`.
        intermediate: width of the MLP; 4 H in BERT.
        dropout: on what each half adds to its residual.
        attention_dropout: on the attention probabilities.
        activation: of the MLP.

    Attributes:
        recompute: see `recomputed`.
        in_place: see `activate`.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        intermediate: int,
        dropout: float = 0.1,
        attention_dropout: float = 0.1,
        activation: Activation = "gelu",
    ) -> None:
        super().__init__()
        self.recompute, self.in_place = False, True
        self.activation = activation
        self.attention = BertAttention(width, heads, attention_dropout)
        self.attention_norm = nn.LayerNorm(width, eps=BERT_NORM_EPS)
        self.widen = nn.Linear(width, intermediate)
        self.narrow = nn.Linear(intermediate, width)
        self.output_norm = nn.LayerNorm(width, eps=BERT_NORM_EPS)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        states: Tensor,
        visible: Tensor | None = None,
        past: KeyValue | None = None,
        first: int | None = None,
    ) -> tuple[Tensor, KeyValue]:
        """Update the states.

        Args:
            states: `[B, S, H]`.
            visible: bool, broadcast to `[B, heads, S, keys]`, True where a state reads a key.
            past: keys and values before those of `states`.
            first: update only so many leading states; all are read.

        Returns:
            `[B, first or S, H]`, and all keys and values that were read.
        """
        key_value = self.attention.read(states)
        if past is not None:
            key_value = (torch.cat([past[0], key_value[0]], 2), torch.cat([past[1], key_value[1]], 2))
        if first is not None:
            states = states[:, :first]
            visible = visible[:, :, :first] if visible is not None else None
        mixed = self.attention(states, key_value, visible)
        states = self.attention_norm(states + self.dropout(mixed))
        hidden = recomputed(self._narrow, self.widen(states), self.recompute)
        return self.output_norm(states + self.dropout(hidden)), key_value

    def _narrow(self, hidden: Tensor) -> Tensor:
        return self.narrow(activate(hidden, self.activation, self.in_place))


class BertEncoder(nn.Module):
    """A stack of `BertLayer`; arguments as there.

    Raises:
        InputError: `heads` does not divide `width`.
    """

    def __init__(
        self,
        layers: int,
        width: int,
        heads: int,
        intermediate: int,
        dropout: float = 0.1,
        attention_dropout: float = 0.1,
        activation: Activation = "gelu",
    ) -> None:
        super().__init__()
        if width % heads:
            raise InputError(f"heads: {heads} does not divide hidden_size, {width}")
        self.intermediate = intermediate
        self.layers = nn.ModuleList(
            BertLayer(width, heads, intermediate, dropout, attention_dropout, activation)
            for _ in range(layers)
        )

    def forward(self, states: Tensor, visibility: Tensor | None = None, first: int | None = None) -> Tensor:
        """Encode S states.

        Args:
            states: `[B, S, H]`.
            visibility: bool; `[B, S]`, True on the states that all others read, or `[B, S, S]`, True where
                the first index reads the second. None: all are read.
            first: how many leading states are wanted; the last layer computes no others.

        Returns:
            `[B, S, H]`, or `[B, first, H]`.
        """
        visible = _broadcast(visibility)
        for layer in self.layers[:-1]:
            states, _ = layer(states, visible)
        return self.layers[-1](states, visible, first=first)[0]

    def extend(
        self, states: Tensor, visibility: Tensor | None = None, cache: Cache | None = None
    ) -> tuple[Tensor, Cache]:
        """Encode Q more states behind P earlier ones, which are not computed again.

        The earlier ones must not have read the new ones, or the result is not that of a whole pass.

        Args:
            states: `[B, Q, H]`.
            visibility: bool `[B, P + Q]` or `[B, Q, P + Q]`, as in `forward`.
            cache: of the P earlier states, as an earlier call returned it; None with P = 0.

        Returns:
            `[B, Q, H]`, and the cache of all P + Q.
        """
        visible, grown = _broadcast(visibility), []
        for index, layer in enumerate(self.layers):
            states, key_value = layer(states, visible, cache[index] if cache else None)
            grown.append(key_value)
        return states, grown


def _broadcast(visibility: Tensor | None) -> Tensor | None:
    if visibility is None:
        return None
    return visibility[:, None, None] if visibility.dim() == 2 else visibility[:, None]
