"""Image-text matching (ITM): does this caption describe this photograph?"""

from dataclasses import dataclass, field

import torch.nn.functional as F
from torch import Tensor

from fashionvl.data.pairing import Pairing


@dataclass(frozen=True)
class ITM:
    """Attributes of the objective.

    Attributes:
        weight: w2 of MVLT Eq. 8; 1 in section 4.1.
        pairing: how matched and mismatched pairs are drawn.
    """

    weight: float = 1.0
    pairing: Pairing = field(default_factory=Pairing)


def itm_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the two-way softmax, mean over pairs (MVLT Eq. 6).

    Args:
        logits: `[B, 2]`; class 1 is matched.
        labels: `[B]` int64, 1 for matched.

    Returns:
        A scalar, at least 0.
    """
    return F.cross_entropy(logits.float(), labels)
