"""Image-text matching (ITM): does this caption describe this photograph?"""

from dataclasses import dataclass, field
from typing import Literal, get_args

import torch.nn.functional as F
from torch import Tensor

from fashionvl.data.batches.pairing import Pairing
from fashionvl.errors import InputError, check_range

Text = Literal["masked", "whole"]


@dataclass(frozen=True)
class ITM:
    """Attributes of the objective.

    Attributes:
        weight: w2 of MVLT Eq. 8; 1 in section 4.1.
        pairing: how matched and mismatched pairs are drawn.
        text: the captions that ITM reads. `masked`: those of the forward that MLM learns from, some of whose
            tokens are masked (MVLT's released code). `whole`: a second forward of the same view of the
            photographs with every token in its place, as in retrieval (ALBEF, Li et al. 2021, section 3.2,
            and its released code). Without MLM captions are whole in either case, from one forward.

    Raises:
        InputError: the weight is negative, or `text` is neither.
    """

    weight: float = 1.0
    pairing: Pairing = field(default_factory=Pairing)
    text: Text = "masked"

    def __post_init__(self) -> None:
        check_range("itm.weight", self.weight, 0)
        if self.text not in get_args(Text):
            raise InputError(f"itm.text: {self.text!r}; it can be {' or '.join(get_args(Text))}")


def itm_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of a two-way softmax (MVLT Eq. 6) or one sigmoid (Kaleido-BERT Eq. 2), mean over pairs.

    Args:
        logits: `[B, 2]`, class 1 is matched; or `[B, 1]`, the log-odds of matched.
        labels: `[B]` int64, 1 for matched.

    Returns:
        A scalar, at least 0.
    """
    if logits.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(logits[:, 0].float(), labels.float())
    return F.cross_entropy(logits.float(), labels)


def says_match(logits: Tensor) -> Tensor:
    """Mark the pairs that the logits of `itm_loss` call matched: `[B]` bool."""
    return logits[:, 0] > 0 if logits.shape[1] == 1 else logits[:, 1] > logits[:, 0]
