"""Aligned kaleido patch modelling (AKPM): the five sub-tasks of Kaleido-BERT section 3.6, Eq. 3 to 7."""

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from fashionvl.errors import InputError, check_range

LEAST_PROBABILITY = 1e-7  # Keras, which the released losses are written in, clips both sides to it
GREY_LEVEL = 4  # section 3.6
GreyTarget = Literal["per_patch", "joint"]


@dataclass(frozen=True)
class Rotation:
    """Sub-task I: by how many quarter turns is the level-1 patch rotated?

    Attributes:
        weight: of its loss; 1 in Eq. 8.

    Raises:
        InputError: the weight is negative.
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        check_range("rotation.weight", self.weight, 0)


@dataclass(frozen=True)
class Jigsaw:
    """Sub-task II: which of 24 orders are the four patches of level 2 in?

    Attributes:
        weight: of its loss; 1 in Eq. 8.

    Raises:
        InputError: the weight is negative.
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        check_range("jigsaw.weight", self.weight, 0)


@dataclass(frozen=True)
class Camouflage:
    """Sub-task III: which of the nine patches of level 3 is another product's?

    Attributes:
        weight: of its loss; 1 in Eq. 8.

    Raises:
        InputError: the weight is negative.
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        check_range("camouflage.weight", self.weight, 0)


@dataclass(frozen=True)
class Grey:
    """Sub-task IV: what features did the grey patches of level 4 have in colour?

    Attributes:
        weight: of its loss; 1 in Eq. 8.
        patches: how many are grey, 1..16; 2 in section 3.4.
        target: how the true features become a distribution, see `grey_loss`.

    Raises:
        InputError: a value is out of range; the message names the key.
    """

    weight: float = 1.0
    patches: int = 2
    target: GreyTarget = "per_patch"

    def __post_init__(self) -> None:
        check_range("grey.weight", self.weight, 0)
        if not 1 <= self.patches <= GREY_LEVEL**2:
            raise InputError(
                f"grey.patches: {self.patches} is outside 1..{GREY_LEVEL**2}, those of its level"
            )
        if self.target not in ("per_patch", "joint"):
            raise InputError(f"grey.target: {self.target!r} is neither per_patch nor joint")


@dataclass(frozen=True)
class Blank:
    """Sub-task V: what features did the blanked patches have? Their level is the network's `blank_level`.

    Attributes:
        weight: of its loss; 1 in Eq. 8.
        patches: how many are blanked; 3 in section 3.4.

    Raises:
        InputError: fewer than one patch.
    """

    weight: float = 1.0
    patches: int = 3

    def __post_init__(self) -> None:
        check_range("blank.weight", self.weight, 0)
        if self.patches < 1:
            raise InputError(f"blank.patches: {self.patches} must be at least 1")


def choice_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of rotation, jigsaw or camouflage, mean over pairs (Eq. 3 to 5).

    Args:
        logits: `[B, classes]`.
        labels: `[B]` int64.

    Returns:
        A scalar, at least 0; 0 for an empty batch.
    """
    if not len(labels):
        return logits.sum() * 0
    return F.cross_entropy(logits.float(), labels)


def grey_loss(predicted: Tensor, colour: Tensor, target: GreyTarget = "per_patch") -> Tensor:
    """Divergence of the predicted colour features from the true ones, mean over patches (Eq. 6).

    With `joint`, the true features of all k grey patches share one softmax, as in the released code, which
    reshapes after it. With s_j the share of patch j, the loss is then the mean of s_j (KL_j + ln s_j), KL_j
    being the patch's own divergence: weighted by s_j, about half of `per_patch`, and it can be negative.

    Args:
        predicted: `[B, k, D]` logits over the D features.
        colour: `[B, k, D]` features of the same patches in colour.
        target: `per_patch` makes each patch's features a distribution by a softmax.

    Returns:
        A scalar; 0 for an empty batch.
    """
    colour = colour.float()
    if target == "per_patch":
        return _divergence(colour.softmax(-1), predicted)
    return _divergence(colour.flatten(1).softmax(-1).view_as(colour), predicted)


def blank_loss(predicted: Tensor, hidden: Tensor) -> Tensor:
    """Divergence of the predicted features from those that were blanked, mean over patches (Eq. 7).

    Args:
        predicted: `[B, k, D]` logits over the D features.
        hidden: `[B, k, D]` features of the same patches before blanking; a softmax makes them a distribution.

    Returns:
        A scalar, at least 0 up to rounding; 0 for an empty batch.
    """
    return _divergence(hidden.float().softmax(-1), predicted)


def _divergence(truth: Tensor, predicted: Tensor) -> Tensor:
    """Kullback-Leibler divergence in float32, mean over patches, both sides clipped as Keras does."""
    if not len(truth):
        return predicted.sum() * 0
    truth = truth.clamp(LEAST_PROBABILITY, 1)
    chance = predicted.float().softmax(-1).clamp(LEAST_PROBABILITY, 1)
    return (truth * (truth.log() - chance.log())).sum(-1).mean()
