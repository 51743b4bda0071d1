"""The LSTM decoder with soft attention of Show, Attend and Tell (Xu et al. 2015, section 3.1.2 and 4.2)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class State(NamedTuple):
    """State of the LSTM: `h` and `c`, both `[B, H]`."""

    h: Tensor
    c: Tensor


class Annotations(NamedTuple):
    """Image features that are attended to, computed once a photograph.

    Attributes:
        vectors: `[B, L, C]`.
        projected: `[B, L, A]`, their projection.
        hidden: `[B, L]` bool, cells that are not attended to; at least one of a photograph is.
    """

    vectors: Tensor
    projected: Tensor
    hidden: Tensor


class AttentionDecoder(nn.Module):
    """Attends, steps, and turns states into words.

    Sizes: C channels of an annotation, A of the attention, E of a word, H of the LSTM, V words. Unless it
    `sees_mean`, the decoder starts from nothing and knows of a photograph what it has attended to.
    """

    def __init__(
        self,
        channels: int,
        attention: int,
        words: int,
        embedding: int,
        hidden: int,
        dropout: float,
        sees_mean: bool = True,
    ) -> None:
        super().__init__()
        self.word = nn.Embedding(words, embedding)
        self.initial_h = nn.Sequential(nn.Linear(channels, hidden), nn.Tanh()) if sees_mean else None
        self.initial_c = nn.Sequential(nn.Linear(channels, hidden), nn.Tanh()) if sees_mean else None
        self.of_annotation = nn.Linear(channels, attention)
        self.of_state = nn.Linear(hidden, attention, bias=False)
        self.energy = nn.Linear(attention, 1)
        self.gate = nn.Linear(hidden, 1)
        self.lstm = nn.LSTMCell(embedding + channels, hidden)
        self.dropout = nn.Dropout(dropout)
        self.output_h = nn.Linear(hidden, embedding)
        self.output_z = nn.Linear(channels, embedding, bias=False)
        self.output = nn.Linear(embedding, words)

    def begin(self, grid: Tensor, hidden: Tensor | None = None) -> tuple[Annotations, State]:
        """Annotations of a map `[B, C, g, g]`, and the first state; cells `hidden` `[B, g * g]` are left out.

        The state is two MLPs of the mean annotation (section 3.1.2), or zero.
        """
        vectors = grid.flatten(2).transpose(1, 2)
        if hidden is None:
            hidden = vectors.new_zeros(vectors.shape[:2], dtype=torch.bool)
        annotations = Annotations(vectors, self.of_annotation(vectors), hidden)
        if self.initial_h is None or self.initial_c is None:
            nothing = vectors.new_zeros(len(vectors), self.lstm.hidden_size)
            return annotations, State(nothing, nothing)
        mean = vectors.mean(1)
        return annotations, State(self.initial_h(mean), self.initial_c(mean))

    def step(self, annotations: Annotations, state: State, embedded: Tensor) -> tuple[State, Tensor, Tensor]:
        """Advance by one word (section 3.1.2; soft attention of section 4.2).

        Args:
            annotations: of B photographs.
            state: h and c before the step.
            embedded: E y, the previous words, `[B, E]`.

        Returns:
            The new state, the gated context z `[B, C]` and the attention `[B, L]`, which sums to one.
        """
        query = self.of_state(state.h)[:, None]
        energies = self.energy(torch.tanh(annotations.projected + query)).squeeze(-1)
        attention = energies.float().masked_fill(annotations.hidden, -torch.inf).softmax(-1)
        context = torch.bmm(attention.to(annotations.vectors.dtype)[:, None], annotations.vectors).squeeze(1)
        # The gating scalar beta of section 4.2.1.
        context = torch.sigmoid(self.gate(state.h)) * context
        h, c = self.lstm(torch.cat([embedded, context], -1), (state.h, state.c))
        return State(h, c), context, attention

    def logits(self, embedded: Tensor, h: Tensor, context: Tensor) -> Tensor:
        """Deep output (section 3.1.2): `[..., V]` of `[..., E]`, `[..., H]` and `[..., C]`."""
        mixed = embedded + self.output_h(self.dropout(h)) + self.output_z(context)
        words: Tensor = self.output(self.dropout(torch.tanh(mixed)))
        return words
