"""Geometry of the kaleido patches of a photograph."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from fashionvl.errors import InputError

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels; the ends are exclusive."""

PositionUnit = Literal["normalised", "pixel"]


@dataclass(frozen=True)
class KaleidoGrid:
    """The box around a product, split n x n ways for every level n (Kaleido-BERT section 3.2).

    Patches are numbered level by level in the order of `levels`, row by row inside a level. The paper does
    not say how a side that n does not divide is split: here the i-th of n cuts is at floor(i * side / n), so
    that patches of a level differ by at most a pixel and tile the box exactly.

    Attributes:
        levels: distinct positive n; 1 to 5 in the paper. One level alone is the fixed-scale split of
            section 4.5, scheme 1.

    Raises:
        InputError: no level, a level twice, or one that is not positive.
    """

    levels: tuple[int, ...] = (1, 2, 3, 4, 5)

    def __post_init__(self) -> None:
        if not self.levels or len(set(self.levels)) < len(self.levels) or min(self.levels) < 1:
            raise InputError(
                f"levels: {self._named()} given; name each level once, each at least 1, such as 1, 2, 3, 4, 5"
            )

    def _named(self) -> str:
        return ", ".join(map(str, self.levels)) or "none"

    @property
    def patches(self) -> int:
        """Patches of a photograph; 55 for levels 1 to 5."""
        return sum(level * level for level in self.levels)

    def span(self, level: int) -> slice:
        """Return the slice of a level's patches in the sequence of all patches.

        Raises:
            InputError: the grid has no such level.
        """
        if level not in self.levels:
            raise InputError(f"levels: level {level} is asked for, but the patches are of {self._named()}")
        before = self.levels[: self.levels.index(level)]
        start = sum(other * other for other in before)
        return slice(start, start + level * level)

    @cached_property
    def _cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`[P]` each: level, row and column of every patch."""
        level = np.repeat(self.levels, np.square(self.levels))
        number = np.concatenate([np.arange(n * n) for n in self.levels])
        return level, number // level, number % level

    def boxes(self, box: Box | np.ndarray) -> np.ndarray:
        """The pixels of every patch.

        Args:
            box: around the product, `[..., 4]` for several photographs.

        Returns:
            `[..., P, 4]` int32; x0, y0, x1, y1 with exclusive ends.

        Raises:
            InputError: a level has more patches along a side than the box has pixels.
        """
        x0, y0, x1, y1 = np.moveaxis(np.asarray(box, np.int64), -1, 0)
        self._check_side(np.minimum(x1 - x0, y1 - y0))
        level, row, column = self._cells
        sides = [
            start[..., None] + (end - start)[..., None] * cut // level
            for cut, start, end in (
                (column, x0, x1),
                (row, y0, y1),
                (column + 1, x0, x1),
                (row + 1, y0, y1),
            )
        ]
        return np.stack(sides, axis=-1).astype(np.int32)

    def _check_side(self, side: np.ndarray) -> None:
        smallest, finest = int(side.min(initial=np.iinfo(np.int32).max)), max(self.levels)
        if smallest < finest:
            raise InputError(
                f"levels: level {finest} splits a box of {smallest} px into {finest}; leave the level out "
                f"or enlarge the box to {finest} px"
            )

    def positions(
        self, box: Box | np.ndarray, frame: tuple[int, int] | np.ndarray, unit: PositionUnit = "normalised"
    ) -> np.ndarray:
        """The five position numbers of every patch (Kaleido-BERT section 3.5: x1, x2, y1, y2, w * h).

        The paper gives no unit. `normalised` divides x by the frame's width, y by its height and thus w * h
        by its area; `pixel` is what the released model's code takes as it comes.

        Args:
            box: around the product, `[..., 4]` for several photographs.
            frame: width and height of the photograph in pixels, `[..., 2]` for several sizes.
            unit: of the numbers.

        Returns:
            `[..., P, 5]` float32; in [0, 1] when normalised.

        Raises:
            InputError: as `boxes`, or the unit is unknown.
        """
        if unit not in ("normalised", "pixel"):
            raise InputError(f"positions: unknown unit {unit!r}; use normalised or pixel")
        whole = np.asarray(frame if unit == "normalised" else (1, 1))[..., None, [0, 1, 0, 1]]
        x0, y0, x1, y1 = np.moveaxis(self.boxes(box) / whole, -1, 0)
        return np.stack([x0, x1, y0, y1, (x1 - x0) * (y1 - y0)], axis=-1).astype(np.float32)


def grown(box: Box, side: int, frame: tuple[int, int]) -> Box:
    """The box, enlarged about its centre to at least `side` pixels each way and moved inside the frame.

    Args:
        box: inside the frame; it may be empty.
        side: pixels each side has at least.
        frame: width and height of the photograph in pixels.

    Raises:
        InputError: the photograph itself is smaller.
    """
    if min(frame) < side:
        raise InputError(
            f"a photograph of {frame[0]} x {frame[1]} px is smaller than the {side} px that level {side} of "
            "the patches needs; leave the level out"
        )
    x0, y0, x1, y1 = box
    (x0, x1), (y0, y1) = _widened(x0, x1, side, frame[0]), _widened(y0, y1, side, frame[1])
    return x0, y0, x1, y1


def _widened(start: int, end: int, side: int, limit: int) -> tuple[int, int]:
    missing = max(side - (end - start), 0)
    start = min(max(start - missing // 2, 0), limit - max(side, end - start))
    return start, start + max(side, end - start)
