"""More outputs for recognition heads, where a catalogue has more names than they were built for."""

from typing import Protocol, cast

import torch
from torch import nn


class _Classifier(Protocol):
    def widen(self, classes: int) -> None: ...


class WidensRecognition:
    """The recognition heads of a network, which can grow.

    Attributes:
        categories: outputs of the head `category`.
        subcategories: outputs of the head `subcategory`.
    """

    categories: int
    subcategories: int

    def heads(self) -> dict[str, nn.Module]:
        """Return every head by what it answers."""
        raise NotImplementedError

    def widen_recognition(self, categories: int, subcategories: int) -> None:
        """Give the heads at least so many outputs; those there are keep their weights."""
        heads = self.heads()
        if categories > self.categories:
            cast(_Classifier, heads["category"]).widen(categories)
            self.categories = categories
        if subcategories > self.subcategories:
            cast(_Classifier, heads["subcategory"]).widen(subcategories)
            self.subcategories = subcategories


def widened(linear: nn.Linear, outputs: int) -> nn.Linear:
    """Copy a linear layer with more outputs.

    Args:
        linear: stays as it is.
        outputs: at least as many as it has. The first keep their weights; further ones are drawn from a
            normal distribution with the deviation of those there are, their biases are zero.
    """
    wide = nn.Linear(linear.in_features, outputs, linear.bias is not None).to(linear.weight)
    with torch.no_grad():
        wide.weight.normal_(std=float(linear.weight.std()))
        wide.weight[: linear.out_features] = linear.weight
        if linear.bias is not None:
            wide.bias.zero_()
            wide.bias[: linear.out_features] = linear.bias
    return wide
