"""BERT's two ends: token embeddings going in, masked-word prediction coming out (Devlin et al., 2019)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fashionvl.models.blocks.transformer import BERT_NORM_EPS, Activation, activate

INITIALIZER_RANGE = 0.02  # BERT, section A.2; PVT draws its linear layers and position tables alike


def init_transformer_weights(module: nn.Module) -> None:
    """Draw linear and embedding weights with deviation 0.02, biases zero; for `nn.Module.apply`.

    The released MVLT leaves its word embeddings at PyTorch's N(0, 1). They also decode the masked words, so
    its first MLM logits have a deviation of about sqrt(768) = 28; BERT's own range is kept here.
    """
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=INITIALIZER_RANGE)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=INITIALIZER_RANGE)


def draw_by_width(network: nn.Module) -> None:
    """Draw linear layers by fan-in and fan-out, embeddings with deviation `width ** -0.5`.

    The former after Glorot and Bengio 2010: at widths far below BERT's, a deviation of 0.02 leaves residual
    branches silent.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)


class BertEmbeddings(nn.Module):
    """Word + position + type embeddings, then LayerNorm and dropout.

    Args:
        vocab_size: number of word pieces.
        width: embedding width; 768 in BERT-base.
        positions: rows of the position table, an upper bound of the text length.
        dropout: applied after the norm.
        layer_norm_eps: 1e-12 in BERT.
    """

    def __init__(
        self,
        vocab_size: int,
        width: int,
        positions: int,
        dropout: float = 0.1,
        layer_norm_eps: float = BERT_NORM_EPS,
    ) -> None:
        super().__init__()
        self.word = nn.Embedding(vocab_size, width)
        self.position = nn.Embedding(positions, width)
        self.token_type = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width, eps=layer_norm_eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, input_ids: Tensor, token_type_ids: Tensor | None = None, start: int = 0) -> Tensor:
        """Embed `[B, L]` ids to `[B, L, width]`.

        Args:
            input_ids: `[B, L]`.
            token_type_ids: `[B, L]` in 0..1; None makes every token of type 0.
            start: position of the first token.
        """
        positions = self.position.weight[start : start + input_ids.shape[1]]
        types = self.token_type.weight[0] if token_type_ids is None else self.token_type(token_type_ids)
        return self.dropout(self.norm(self.word(input_ids) + positions + types))


class MaskedLanguageHead(nn.Module):
    """BERT's MLM head: dense, GELU, LayerNorm, then a decoder tied to the word embeddings and its own bias.

    The word matrix is passed in at every call: it stays one parameter of the model and one tensor on disk.
    """

    def __init__(
        self, width: int, vocab_size: int, layer_norm_eps: float, activation: Activation = "gelu"
    ) -> None:
        super().__init__()
        self.activation = activation
        self.dense = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, eps=layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, states: Tensor, word_embeddings: Tensor) -> Tensor:
        """Logits `[..., V]` of states `[..., width]` under word embeddings `[V, width]`."""
        hidden = self.norm(activate(self.dense(states), self.activation))
        return F.linear(hidden, word_embeddings, self.bias)
