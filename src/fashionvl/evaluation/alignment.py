"""Precision of token-patch alignment where the true region of a word is known.

A pair of token and patch is judged when the token belongs to the phrase of an attribute whose region the
photograph shows. Its patch is right when it shows at least half as much of that region as the patch of the
same level that shows most of it. So a region smaller than a patch that lies on a border between patches has
several right ones, the true region itself always scores 1, and no level has a region without a right patch
unless the region lies outside the box. Ours: the paper measures no alignment.

Of a colour or fabric that fills the garment nearly every patch is right, for a coin as well as for a model.
The headline is therefore over local attributes: regions smaller than `LOCAL` of the box the patches split.
"""

import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from fashionvl.patches.grid import Box, KaleidoGrid

LOCAL = 0.25
"""Share of the box's area below which a region is local. On the synthetic catalogue these are closures,
collars, trims and hems, where a random patch is right one time in five; over all attributes, two in three."""

HALF = 0.5
"""Share of the best patch's overlap that a right patch has at least."""


def phrase_tokens(caption: str, phrase: str, spans: Sequence[tuple[int, int]]) -> list[int]:
    """Find the tokens of a caption that spell a phrase.

    Args:
        caption: the text.
        phrase: whole words, lower-case; a word joined to it by a hyphen makes it another one ("off-white"
            holds no "white").
        spans: of every token, its first character and the one after its last; (0, 0) for special tokens.

    Returns:
        Token positions, ascending; those of every occurrence.
    """
    found = [
        match.span()
        for match in re.finditer(rf"(?<![\w-]){re.escape(phrase)}(?![\w-])", caption, re.IGNORECASE)
    ]
    return [
        position
        for position, (start, end) in enumerate(spans)
        if start < end and any(first <= start and end <= last for first, last in found)
    ]


def right_patches(region: np.ndarray, patches: np.ndarray) -> np.ndarray:
    """Mark the patches of one level that show a region, by the rule of the module's docstring.

    Args:
        region: `[4]` pixels x0, y0, x1, y1.
        patches: `[n * n, 4]` pixels, the patches of a level.

    Returns:
        `[n * n]` bool; all False for a region outside all of them.
    """
    sides = np.minimum(region[2:], patches[:, 2:]) - np.maximum(region[:2], patches[:, :2])
    overlap = np.clip(sides, 0, None).prod(axis=1)
    return (overlap > 0) & (overlap >= HALF * overlap.max())


def centre_patches(level: int) -> np.ndarray:
    """The patches in the middle of a level: one of an odd level, four of an even one."""
    middle = np.arange((level - 1) // 2, level // 2 + 1)
    return (middle[:, None] * level + middle).ravel()


class AlignmentPrecision:
    """Share of judged pairs whose patch is right, beside that of a random and of the centre patch.

    Random is the exact expectation over the patches of the level; the centre prior always takes the middle
    patch, on even levels the mean of the middle four.
    """

    def __init__(self, grid: KaleidoGrid, levels: tuple[int, ...] = (3, 4, 5)) -> None:
        """Judge patches of some levels of a grid."""
        self._grid, self._levels = grid, levels
        # A row: right, right at random, right in the centre, pairs.
        self._sums: dict[tuple[str, bool], np.ndarray] = defaultdict(lambda: np.zeros(4))

    def add(self, attribute: str, region: np.ndarray, box: Box, patches: np.ndarray) -> None:
        """Judge what one phrase of one photograph was aligned to.

        Args:
            attribute: whose phrase it is.
            region: `[4]` pixels x0, y0, x1, y1 of where it is seen.
            box: around the product.
            patches: `[T, len(levels)]` the patch each of the phrase's aligned tokens was given in every
                level; -1, where its region misses the box, makes no pair.
        """
        region = np.asarray(region, np.int64)
        boxes = self._grid.boxes(box)
        local = _area(region) < LOCAL * _area(np.asarray(box))
        for level, column in zip(self._levels, patches.T, strict=True):
            right = right_patches(region, boxes[self._grid.span(level)])
            chosen = column[column >= 0]
            by_chance = np.array([right.mean(), right[centre_patches(level)].mean(), 1])
            self._sums[attribute, bool(local)] += [right[chosen].sum(), *len(chosen) * by_chance]

    def compute(self) -> dict[str, float]:
        """Precisions in [0, 1] and the pairs behind them.

        Returns:
            `precision`, `random`, `centre`, `pairs` over local attributes; the same with `all_` over all of
            them, and with `ATTRIBUTE_` over each one's regions of any size. Without a pair nothing but the
            zero counts.
        """
        tables: dict[str, list[np.ndarray]] = {"": [], "all_": []}
        for (attribute, local), sums in sorted(self._sums.items()):
            for name in ("all_", f"{attribute}_", *([""] if local else [])):
                tables.setdefault(name, []).append(sums)
        scores: dict[str, float] = {}
        for name, rows in tables.items():
            *right, pairs = np.sum([np.zeros(4), *rows], axis=0).tolist()
            scores[f"{name}pairs"] = pairs
            if pairs:
                shares = zip(("precision", "random", "centre"), right, strict=True)
                scores.update({f"{name}{key}": value / pairs for key, value in shares})
        return scores


def _area(box: np.ndarray) -> int:
    return int((box[2] - box[0]) * (box[3] - box[1]))
