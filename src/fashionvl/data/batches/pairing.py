"""Pairing of captions with photographs: positives and negatives of image-text matching (ITM)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fashionvl.errors import InputError
from fashionvl.masking.text import IGNORED_LABEL


@dataclass(frozen=True)
class Pairing:
    """Settings for drawing ITM pairs.

    Attributes:
        positive_share: probability that a photograph keeps its own caption; 0.5 in the released code.
        negatives: where other captions come from. `random`: any other product (MVLT section 3.2, objective
            2); `same_subcategory`: another product of the sub-category, as in the retrieval protocol;
            `mixed`: the one or the other by the toss of a coin;
            `shift`: the row a random 50 .. N/2 further on, which is the released code's rule.
    """

    positive_share: float = 0.5
    negatives: Literal["random", "same_subcategory", "mixed", "shift"] = "random"

    def __post_init__(self) -> None:
        if not 0 <= self.positive_share <= 1:
            raise InputError(f"itm.pairing.positive_share: {self.positive_share} is outside [0, 1]")


class PairSampler:
    """Draws the caption row for a photograph row; deterministic in the generator it is given."""

    def __init__(
        self, spec: Pairing, rows: np.ndarray, product_id: np.ndarray, subcategory: np.ndarray
    ) -> None:
        """Prepare the draw.

        Args:
            spec: the rule.
            rows: `[M]` rows of the split that may lend captions.
            product_id: `[N]` by row.
            subcategory: `[N]` by row; -100 is no sub-category.

        Raises:
            InputError: a single product cannot give a negative.
        """
        self.spec, self.rows, self.product_id, self.subcategory = spec, rows, product_id, subcategory
        if spec.positive_share < 1 and len(np.unique(product_id[rows])) < 2:
            raise InputError("itm.pairing: negatives need at least two products in the split")
        self._position = (
            {int(row): position for position, row in enumerate(rows)} if spec.negatives == "shift" else {}
        )
        self._members: dict[int, np.ndarray] = {}
        if spec.negatives in ("same_subcategory", "mixed"):
            labels = subcategory[rows]
            members = {int(label): rows[labels == label] for label in np.unique(labels)}
            members.pop(IGNORED_LABEL, None)
            # A sub-category of one product has no other to lend; its rows then look everywhere.
            self._members = {
                label: pool
                for label, pool in members.items()
                if (product_id[pool] != product_id[pool[0]]).any()
            }

    def caption_row(self, row: int, rng: np.random.Generator) -> int:
        """The row whose caption is shown with the photograph of `row`."""
        if rng.random() < self.spec.positive_share:
            return row
        if self.spec.negatives == "shift":
            return self._shifted(row, rng)
        anywhere = self.spec.negatives == "random" or (self.spec.negatives == "mixed" and rng.random() < 0.5)
        pool = self.rows if anywhere else self._members.get(int(self.subcategory[row]), self.rows)
        return self._other_product(row, pool, rng)

    def _other_product(self, row: int, pool: np.ndarray, rng: np.random.Generator) -> int:
        while True:
            other = int(pool[rng.integers(len(pool))])
            if self.product_id[other] != self.product_id[row]:
                return other

    def _shifted(self, row: int, rng: np.random.Generator) -> int:
        count = len(self.rows)
        furthest = max(count // 2, 1)
        nearest = min(50, furthest)
        while True:
            shift = int(rng.integers(nearest, furthest + 1))
            other = int(self.rows[(self._position[row] + shift) % count])
            if self.product_id[other] != self.product_id[row]:
                return other
            nearest, furthest = 1, count - 1  # a small split: look everywhere rather than nowhere
