"""Learning to describe: caption likelihood, doubly stochastic attention, the words of a crop."""

import torch.nn.functional as F
from torch import Tensor


def caption_loss(logits: Tensor, targets: Tensor, known: Tensor) -> Tensor:
    """Cross-entropy of the next words, mean over those that are words.

    Xu et al. 2015, section 4.2.1, first term. Their code sums over a caption; the mean over words keeps the
    scale of the loss apart from the length of captions, as elsewhere here.

    Args:
        logits: `[B, T, V]`.
        targets: `[B, T]` int64.
        known: `[B, T]` bool; False on padding.
    """
    return F.cross_entropy(logits[known].float(), targets[known])


def doubly_stochastic(attention: Tensor, known: Tensor) -> Tensor:
    """Doubly stochastic attention penalty: sum over cells of (1 - attention over all words)^2.

    Xu et al. 2015, section 4.2.1, second term, mean over captions. With fewer words than cells it cannot
    reach 0.

    Args:
        attention: `[B, T, g, g]`.
        known: `[B, T]` bool; False on padding.
    """
    over_words = (attention.flatten(2) * known[:, :, None]).sum(1)
    return (1 - over_words).square().sum(1).mean()


def bag_of_words_loss(logits: Tensor, bags: Tensor) -> Tensor:
    """Binary cross-entropy of which words a caption holds; summed over words, mean over photographs.

    Args:
        logits: `[B, V]`.
        bags: `[B, V]` bool, True on the words of the caption.
    """
    losses = F.binary_cross_entropy_with_logits(logits.float(), bags.float(), reduction="none")
    return losses.sum(1).mean()
