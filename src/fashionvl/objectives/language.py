"""Masked language modelling (MLM): which word was here?"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch.nn.functional as F
from torch import Tensor

from fashionvl.masking.text import IGNORED_LABEL, TextMask


@dataclass(frozen=True)
class MLM:
    """Attributes of the objective.

    Attributes:
        weight: w3 of MVLT Eq. 8; 1 in section 4.1.
        mask: how tokens are chosen and replaced; 15 % in section 4.1.
    """

    weight: float = 1.0
    mask: TextMask = field(default_factory=TextMask)


@dataclass(frozen=True)
class AMLM:
    """Aligned MLM (Kaleido-BERT section 3.6, task 1): MLM at tokens that AGM chose together with patches.

    Attributes:
        weight: in the plain sum of Eq. 8.
    """

    weight: float = 1.0


def mlm_loss(
    states: Tensor, labels: Tensor, head: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Cross-entropy at the masked positions, mean over them (MVLT Eq. 7).

    The head runs on the masked positions alone: over the whole sequence it would cost more than the encoder.

    Args:
        states: `[B, L, D]` last text states.
        labels: `[B, L]` int64; -100 where nothing is asked.
        head: from `[M, D]` states to `[M, V]` logits.

    Returns:
        The loss, 0 without a masked position; the `[M, V]` logits; their `[M]` labels.
    """
    asked = labels != IGNORED_LABEL
    logits, targets = head(states[asked]).float(), labels[asked]
    if not len(targets):
        return logits.sum() * 0, logits, targets
    return F.cross_entropy(logits, targets), logits, targets
