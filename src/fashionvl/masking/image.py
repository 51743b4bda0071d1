"""Image masks for masked image reconstruction (MIR), and their application."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch

from fashionvl.errors import InputError
from fashionvl.masking import styles

MaskStyle = Literal["random_grid", "grid", "stroke", "center"]
GridSampler = Literal["exact", "released"]

MAX_ALPHA = 16
# MVLT Section 3.2, footnote 2: the "zero" of Eq. 3 is 1e-6, for stability of the optimisation.
HIDDEN_PIXEL = 1e-6


@dataclass(frozen=True)
class ImageMask:
    """Settings for masking images (MVLT Section 3.2, Fig. 4 and Fig. 8; ablations A, B and C of Table 3).

    Attributes:
        style: The pattern of Fig. 8: `random_grid` (the paper's choice), `grid`, `stroke` or `center`.
        ratio: Share of the image that is hidden, in [0, 1]; r_v = 0.5 in the paper. 0 hides nothing, 1
            everything.
        alpha: Side of a masking unit in patches, 1 to 16 (Fig. 4 has 1 to 8, Table 3 goes to 16); 4 in the
            paper. Read by `random_grid` and `grid`.
        patch: Side P of a patch in pixels; 4 in the paper. Read by `random_grid` and `grid`.
        sampler: For `random_grid`: `exact` hides `round(ratio * Q)` of the Q units, `released` repeats
            the released code's sliding-window slip, where the share itself is random around `ratio`.

    Raises:
        InputError: If a value is outside its range; the message names the key.
    """

    style: MaskStyle = "random_grid"
    ratio: float = 0.5
    alpha: int = 4
    patch: int = 4
    sampler: GridSampler = "exact"

    def __post_init__(self) -> None:
        if self.style not in get_args(MaskStyle):
            known = ", ".join(get_args(MaskStyle))
            raise InputError(f"mask.style: unknown style {self.style!r}; use one of {known}")
        if not 0 <= self.ratio <= 1:
            raise InputError(f"mask.ratio: {self.ratio} is outside [0, 1]")
        if not 1 <= self.alpha <= MAX_ALPHA:
            raise InputError(f"mask.alpha: {self.alpha} is outside 1 .. {MAX_ALPHA}")
        if self.patch < 1:
            raise InputError(f"mask.patch: {self.patch} is not a positive number of pixels")
        if self.sampler not in get_args(GridSampler):
            known = ", ".join(get_args(GridSampler))
            raise InputError(f"mask.sampler: unknown sampler {self.sampler!r}; use one of {known}")

    @property
    def unit(self) -> int:
        """Side of one masking unit in pixels, alpha * P (MVLT Fig. 4b)."""
        return self.alpha * self.patch

    def check_size(self, height: int, width: int) -> None:
        """Refuse an image size, in pixels, that whole masking units do not tile.

        Only the styles made of units care; `stroke` and `center` take any size.

        Raises:
            InputError: If `alpha * patch` does not divide both sides.
        """
        if self.style in ("random_grid", "grid") and (height % self.unit or width % self.unit):
            raise InputError(
                f"mask.alpha: a unit of alpha {self.alpha} x patch {self.patch} = {self.unit} px does not "
                f"divide the image of {height} x {width} px; choose alpha x patch that divides both sides"
            )

    def sample(self, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
        """Draw one mask; the same generator state gives the same mask.

        Returns:
            `[height, width]` bool, True where the pixel is hidden.

        Raises:
            InputError: As `check_size`.
        """
        self.check_size(height, width)
        if self.ratio in (0, 1):
            return np.full((height, width), self.ratio == 1)
        if self.style == "stroke":
            return styles.strokes(height, width, self.ratio, rng)
        if self.style == "center":
            return styles.centre_rectangle(height, width, self.ratio)
        units = self._sample_units(height // self.unit, width // self.unit, rng)
        return self._spread(units)

    def sample_batch(self, height: int, width: int, rngs: Sequence[np.random.Generator]) -> np.ndarray:
        """Draw one mask of each generator, those that `sample` would draw.

        Returns:
            `[B, height, width]` bool, True where the pixel is hidden.

        Raises:
            InputError: As `check_size`.
        """
        if self.style not in ("random_grid", "grid") or self.ratio in (0, 1):
            return np.stack([self.sample(height, width, rng) for rng in rngs])
        self.check_size(height, width)
        shape = height // self.unit, width // self.unit
        # Units become pixels in one pass over the batch.
        return self._spread(np.stack([self._sample_units(*shape, rng) for rng in rngs]))

    def _spread(self, units: np.ndarray) -> np.ndarray:
        """Enlarge masks of units `[..., rows, columns]` to masks of pixels `[..., H, W]`."""
        return units.repeat(self.unit, axis=-1).repeat(self.unit, axis=-2)

    def _sample_units(self, rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
        if self.style == "grid":
            return styles.regular_units(rows, columns, self.ratio, rng)
        if self.sampler == "released":
            return styles.released_units(rows, columns, self.ratio, rng)
        return styles.random_units(rows, columns, self.ratio, rng)


def hide(pixel_values: torch.Tensor, image_mask: torch.Tensor, fill: float = HIDDEN_PIXEL) -> torch.Tensor:
    """Hide the masked pixels of a batch (MVLT Eq. 3; the fill value is footnote 2's).

    Args:
        pixel_values: `[B, 3, H, W]` float, in [0, 1].
        image_mask: `[B, 1, H, W]` bool, True where the pixel is hidden.
        fill: Value of a hidden pixel in every channel.

    Returns:
        `[B, 3, H, W]`, a copy.
    """
    return pixel_values.masked_fill(image_mask, fill)
