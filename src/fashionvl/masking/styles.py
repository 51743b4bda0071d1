"""The image mask styles of the MVLT paper's Fig. 8, each a pure function of size, ratio and generator.

The paper defines the random grid (Section 3.2) and only names the other three (Section 4.3), so each
docstring says what is fixed here beyond the name. True means hidden.
"""

from functools import lru_cache
from math import cos, pi, sin, sqrt

import cv2
import numpy as np

# Released code at 256 px: brushes 4 to 10 px wide, up to 3 straight pieces a stroke, each up to a side long.
BRUSH_WIDTHS = (4 / 256, 10 / 256)
PIECES_PER_STROKE = 3
# A piece of a stroke is shortened so that it cannot pass the wanted share by more than this.
STROKE_SLACK = 0.01


def random_units(rows: int, columns: int, ratio: float, rng: np.random.Generator) -> np.ndarray:
    """Hide `round(ratio * Q)` of the Q units, every such choice equally likely (MVLT Section 3.2).

    Returns:
        `[rows, columns]` bool.
    """
    count = rows * columns
    hidden = np.zeros(count, dtype=bool)
    hidden[rng.permutation(count)[: round(ratio * count)]] = True
    return hidden.reshape(rows, columns)


def released_units(rows: int, columns: int, ratio: float, rng: np.random.Generator) -> np.ndarray:
    """Hide units as the released code does, sliding-window slip included.

    `int(ratio * Q)` of Q units are marked and shuffled, but row i is then a shuffled copy of the marks
    `i .. i + columns - 1` instead of `i * columns ..`. Only the first `rows + columns - 1` marks are read and
    neighbouring rows differ by at most one hidden unit, so the hidden share itself is random: at 16 x 16
    units and ratio 0.5 its mean is 0.50, its standard deviation 0.10, its range about 0.14 to 0.84.

    Returns:
        `[rows, columns]` bool.
    """
    count = rows * columns
    marks = rng.permutation(count) < int(ratio * count)
    windows = np.lib.stride_tricks.sliding_window_view(marks, columns)[:rows]
    return rng.permuted(windows, axis=1)


@lru_cache(maxsize=32)
def _dither_ranks(side: int) -> np.ndarray:
    """Bayer's threshold matrix (1973), `[side, side]` for a power of 2: the ranks `0 .. side**2 - 1`."""
    if side == 1:
        return np.zeros((1, 1), dtype=np.int64)
    coarse = 4 * _dither_ranks(side // 2)
    return np.block([[coarse, coarse + 2], [coarse + 3, coarse + 1]])


def regular_units(rows: int, columns: int, ratio: float, rng: np.random.Generator) -> np.ndarray:
    """Hide `round(ratio * Q)` of the Q units in a regular pattern of random phase.

    The paper names a "grid" without defining it. Here the pattern is an ordered dither: a checkerboard at
    ratio 0.5, every second unit of every second row at 0.25, its negative at 0.75, and the most even pattern
    of the same family in between. The phase is a cyclic shift drawn from `rng`; nothing else is random.

    Returns:
        `[rows, columns]` bool.
    """
    side = 1 << (max(rows, columns) - 1).bit_length()
    shift = tuple(rng.integers(0, side, size=2))
    ranks = np.roll(_dither_ranks(side), shift, axis=(0, 1))[:rows, :columns].ravel()
    hidden = np.zeros(rows * columns, dtype=bool)
    hidden[np.argsort(ranks)[: round(ratio * len(ranks))]] = True
    return hidden.reshape(rows, columns)


def strokes(height: int, width: int, ratio: float, rng: np.random.Generator) -> np.ndarray:
    """Hide free-form brush strokes, added one by one until the hidden share reaches `ratio`.

    Brush widths, piece lengths and pieces per stroke are the released code's, relative to the shorter side;
    the released code draws 5 to 13 strokes whatever the ratio. Nothing is trimmed, but the last pieces are
    shortened: the share ends in `[ratio, ratio + 0.03]`.

    Returns:
        `[height, width]` bool.
    """
    canvas = np.zeros((height, width), dtype=np.uint8)
    wanted = ratio * height * width
    while (hidden := cv2.countNonZero(canvas)) < wanted:
        _draw_stroke(canvas, wanted - hidden, rng)
    return canvas.astype(bool)


def _draw_stroke(canvas: np.ndarray, missing: float, rng: np.random.Generator) -> None:
    """Draw one stroke of up to three pieces onto `canvas`, which still lacks `missing` hidden pixels."""
    height, width = canvas.shape
    side = min(height, width)
    brush = max(1, round(side * rng.uniform(*BRUSH_WIDTHS)))
    # Pixels this stroke may cover; a thick line is drawn up to one pixel wider than asked.
    budget, drawn_width = missing + STROKE_SLACK * canvas.size, brush + 1
    y, x = rng.uniform(0, height), rng.uniform(0, width)
    for _ in range(rng.integers(1, PIECES_PER_STROKE + 1)):
        longest = max(budget / drawn_width - drawn_width, 0)
        angle, length = rng.uniform(0, 2 * pi), min(rng.uniform(0, side), longest)
        next_y = min(max(y + length * sin(angle), 0), height - 1)
        next_x = min(max(x + length * cos(angle), 0), width - 1)
        cv2.line(canvas, (int(x), int(y)), (int(next_x), int(next_y)), color=1, thickness=brush)
        budget -= drawn_width * (length + drawn_width)
        y, x = next_y, next_x


def centre_rectangle(height: int, width: int, ratio: float) -> np.ndarray:
    """Hide one rectangle of area share `ratio`, the image's aspect ratio, exactly in the middle.

    Its sides have the parity of the image's, so the margins are equal; the share is within one pixel column
    of `ratio`, and never 0 for a positive ratio.

    Returns:
        `[height, width]` bool.
    """
    hidden = np.zeros((height, width), dtype=bool)
    tall = _centred_length(height, height * sqrt(ratio))
    wide = _centred_length(width, ratio * height * width / tall)
    top, left = (height - tall) // 2, (width - wide) // 2
    hidden[top : top + tall, left : left + wide] = True
    return hidden


def _centred_length(whole: int, wanted: float) -> int:
    """The positive length nearest to `wanted` that leaves equal margins within `whole`."""
    margin = round((whole - wanted) / 2)
    return whole - 2 * min(max(margin, 0), (whole - 1) // 2)
