"""MVLT's prediction heads, in the released structure: embed the text state of stage 4, then predict."""

import torch
from torch import Tensor, nn

from fashionvl.models.blocks.bert import MaskedLanguageHead
from fashionvl.models.blocks.widening import widened

HEAD_NORM_EPS = 1e-5  # released code: PyTorch's default, also inside the BERT transform


class ClassificationHead(nn.Module):
    """ITM and recognition: Linear and LayerNorm to the text width, then Linear to the classes.

    `extra_bias` is a second bias on the logits, which the released code has beside the linear layer's own. It
    adds nothing to what the head can express and is kept so that released checkpoints convert both ways.
    """

    def __init__(self, state_width: int, width: int, classes: int) -> None:
        super().__init__()
        self.projection = nn.Linear(state_width, width)
        self.norm = nn.LayerNorm(width, eps=HEAD_NORM_EPS)
        self.classifier = nn.Linear(width, classes)
        self.extra_bias = nn.Parameter(torch.zeros(classes))

    def forward(self, states: Tensor) -> Tensor:
        """Logits `[..., classes]` of states `[..., D_4]`."""
        return self.classifier(self.norm(self.projection(states))) + self.extra_bias

    def widen(self, classes: int) -> None:
        """Take more classes; those there are keep their weights."""
        self.classifier = widened(self.classifier, classes)
        extra = self.extra_bias.detach()
        self.extra_bias = nn.Parameter(torch.cat([extra, extra.new_zeros(classes - len(extra))]))


class LanguageHead(nn.Module):
    """MLM: Linear and LayerNorm to the text width, then BERT's masked-word head."""

    def __init__(self, state_width: int, width: int, vocab_size: int) -> None:
        super().__init__()
        self.projection = nn.Linear(state_width, width)
        self.norm = nn.LayerNorm(width, eps=HEAD_NORM_EPS)
        self.prediction = MaskedLanguageHead(width, vocab_size, HEAD_NORM_EPS)

    def forward(self, states: Tensor, word_embeddings: Tensor) -> Tensor:
        """Logits `[..., V]` of states `[..., D_4]` under word embeddings `[V, width]`."""
        return self.prediction(self.norm(self.projection(states)), word_embeddings)
