"""Masked language modelling (MLM): which word was here?"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from fashionvl.errors import check_range
from fashionvl.masking.text import IGNORED_LABEL, TextMask


@dataclass(frozen=True)
class MLM:
    """Attributes of the objective.

    Attributes:
        weight: w3 of MVLT Eq. 8; 1 in section 4.1.
        mask: how tokens are chosen and replaced; 15 % in section 4.1.

    Raises:
        InputError: the weight is negative.
    """

    weight: float = 1.0
    mask: TextMask = field(default_factory=TextMask)

    def __post_init__(self) -> None:
        check_range("mlm.weight", self.weight, 0)


@dataclass(frozen=True)
class AMLM:
    """Aligned MLM (Kaleido-BERT section 3.6, task 1): MLM at tokens that AGM chose together with patches.

    Attributes:
        weight: in the plain sum of Eq. 8.

    Raises:
        InputError: the weight is negative.
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        check_range("amlm.weight", self.weight, 0)


class WordLoss(NamedTuple):
    """Loss and accuracy of masked words.

    Attributes:
        loss: scalar, mean over the words asked; 0 without one.
        asked: scalar int64, how many.
        accuracy: scalar, share of them guessed right; 0 without one.
    """

    loss: Tensor
    asked: Tensor
    accuracy: Tensor


def mlm_loss(
    states: Tensor,
    labels: Tensor,
    head: Callable[[Tensor], Tensor],
    positions: Tensor | None = None,
    everywhere: bool = False,
) -> WordLoss:
    """Cross-entropy at the masked positions, mean over them (MVLT Eq. 7).

    The head runs on the masked positions alone: over the whole sequence it would cost more than the encoder.

    Args:
        states: `[B, L, D]` last text states.
        labels: `[B, L]` int64; -100 where nothing is asked.
        head: from `[M, D]` states to `[M, V]` logits.
        positions: `[M]` int64 into the flattened labels, all that are asked among them. None looks for them,
            for which the host waits on a GPU.
        everywhere: run the head on all positions, as the released MVLT does.
    """
    rows, targets = states.flatten(0, 1), labels.flatten()
    if not everywhere:
        if positions is None:
            positions = (targets != IGNORED_LABEL).nonzero()[:, 0]
        rows, targets = rows.index_select(0, positions), targets.index_select(0, positions)
    logits = head(rows).float()
    asked = targets != IGNORED_LABEL
    count = asked.sum()
    summed = F.cross_entropy(logits, targets, ignore_index=IGNORED_LABEL, reduction="sum")
    right = ((logits.argmax(-1) == targets) & asked).sum()
    return WordLoss(summed / count.clamp(min=1), count, right / count.clamp(min=1))
