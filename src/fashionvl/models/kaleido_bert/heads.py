"""Kaleido-BERT's prediction heads, in the released structure; MLM's is `blocks.bert.MaskedLanguageHead`."""

import math

from torch import Tensor, nn

from fashionvl.errors import InputError
from fashionvl.models.blocks.widening import widened
from fashionvl.patches.grid import KaleidoGrid

ROTATIONS = 4  # section 3.6: 0, 90, 180 and 270 degrees
LEVEL_OF = {"rotation": 1, "jigsaw": 2, "camouflage": 3, "grey": 4}
"""The level whose states each head reads (section 3.6); `blank` reads the model's blank level."""


class ChoiceHead(nn.Module):
    """Classifier over a whole level, from the concatenated states of its patches."""

    def __init__(self, patches: int, width: int, classes: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(patches * width, classes)

    def forward(self, states: Tensor) -> Tensor:
        """Logits `[B, classes]` of states `[B, patches, H]`."""
        return self.classifier(states.flatten(1))


class CategoryHead(nn.Module):
    """Dropout and one linear layer on the pooled state (released code)."""

    def __init__(self, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, classes)

    def forward(self, pooled: Tensor) -> Tensor:
        """Logits `[B, classes]` of pooled states `[B, H]`."""
        return self.classifier(self.dropout(pooled))

    def widen(self, classes: int) -> None:
        """Take more classes; those there are keep their weights."""
        self.classifier = widened(self.classifier, classes)


class PatchHeads(nn.ModuleDict):
    """The heads of the five AKPM sub-tasks, as far as the grid has their levels.

    Args:
        grid: the levels.
        blank_level: the level that `blank` reads; 5 in section 3.6.
        width: H.
        feature_width: D, what `grey` and `blank` predict, linearly and without a bias (released code).
    """

    def __init__(self, grid: KaleidoGrid, blank_level: int, width: int, feature_width: int) -> None:
        level_of = LEVEL_OF | {"blank": blank_level}
        heads: dict[str, nn.Module] = {
            "rotation": ChoiceHead(1, width, ROTATIONS),
            "jigsaw": ChoiceHead(4, width, math.factorial(4)),
            "camouflage": ChoiceHead(9, width, 9),
            "grey": nn.Linear(width, feature_width, bias=False),
            "blank": nn.Linear(width, feature_width, bias=False),
        }
        super().__init__({name: head for name, head in heads.items() if level_of[name] in grid.levels})
        self.level_of = level_of

    def head(self, name: str) -> nn.Module:
        """One head by the name of its sub-task.

        Raises:
            InputError: the grid lacks its level.
        """
        if name not in self:
            raise InputError(
                f"model.init_args.{name}: it reads level {self.level_of[name]}, which the network's levels "
                "lack; set it to null or add the level"
            )
        return self[name]
