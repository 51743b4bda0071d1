"""Properties of a product that drawing routines read."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fashionvl.data.synthetic.sketch import Point, Points, box


@dataclass(frozen=True)
class Look:
    """One side of one product.

    Attributes:
        subcategory: its name in `labels.SUBCATEGORIES`.
        attributes: the values that apply.
        jitter: `[8]` in [-1, 1], the product's own proportions, the same in every view.
        back: seen from behind.
    """

    subcategory: str
    attributes: Mapping[str, str]
    jitter: np.ndarray
    back: bool = False

    def get(self, name: str, default: str = "") -> str:
        """The value of an attribute, or the default where it does not apply."""
        return self.attributes.get(name, default)

    def vary(self, number: int, amount: float) -> float:
        """A factor within `amount` of 1 that belongs to this product."""
        return 1 + amount * float(self.jitter[number])

    def motif(self, centre: Point, radius: float) -> list[Points]:
        """The product's print: a disc, a star, a triangle or bars."""
        x, y = centre
        number = int((self.jitter[7] + 1) * 2) % 4
        if number == 3:
            heights = np.linspace(-radius, radius * 0.6, 3)
            return [box(x - radius, y + top, x + radius, y + top + radius * 0.4) for top in heights]
        corners = (24, 10, 3)[number]
        angles = np.arange(corners) * 2 * np.pi / corners - np.pi / 2
        radii = np.where(np.arange(corners) % 2, radius * 0.45, radius) if corners == 10 else radius
        return [np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], axis=1)]
