"""Endless cloth: pattern, weave and folds as sheets of shading levels, made once a process.

Every sheet is `[SHEET, SHEET]` uint8 and the same for every seed.
"""

from functools import lru_cache

import cv2
import numpy as np

SHEET = 640
"""Side of a sheet in design units: 256 seen through the narrowest view, with room to shift."""

SECOND = 64
"""The bit of a pattern sheet that says the second colour shows; the low six bits are shading levels."""

PATTERN_SIZES = 3
FOLD_SHEETS = 12
FOLD_LEVELS = 16
WEAVE_LEVELS = 20

_Y, _X = np.mgrid[0:SHEET, 0:SHEET].astype(np.float32)


def _frozen(sheet: np.ndarray) -> np.ndarray:
    sheet = np.ascontiguousarray(sheet, dtype=np.uint8)
    sheet.flags.writeable = False
    return sheet


@lru_cache
def pattern(name: str, size: int) -> np.ndarray:
    """Draw the mask of a pattern's second colour; `size` 0 to 2 is fine to bold."""
    scale = (0.8, 1.0, 1.25)[size]
    if name == "striped":
        return _frozen((_Y % (30 * scale) < 13 * scale) * SECOND)
    if name == "checked":
        period, band = 40 * scale, 17 * scale
        rows, columns = _Y % period < band, _X % period < band
        return _frozen((rows | columns) * SECOND + (rows ^ columns) * 8)
    if name == "polka dot":
        return _frozen(_dots(34 * scale, 8.5 * scale) * SECOND)
    blobs, shades = _noise(11, 34 * scale), _noise(12, 28 * scale)
    return _frozen((blobs > 0.56) * SECOND + (shades > 0.55) * 12)


def _dots(spacing: float, radius: float) -> np.ndarray:
    row = np.floor(_Y / spacing)
    x = (_X + (row % 2) * spacing / 2) % spacing - spacing / 2
    y = _Y % spacing - spacing / 2
    return np.hypot(x, y) < radius


def _noise(seed: int, grain_x: float, grain_y: float | None = None) -> np.ndarray:
    """Smooth noise stretched to [0, 1]; a grain is the distance of two independent values."""
    rng = np.random.default_rng(seed)
    shape = int(SHEET / (grain_y or grain_x)) + 2, int(SHEET / grain_x) + 2
    coarse = rng.random(shape).astype(np.float32)
    fine = cv2.resize(coarse, (SHEET, SHEET), interpolation=cv2.INTER_CUBIC)
    return (fine - fine.min()) / (fine.max() - fine.min())


def _stretched(noise: np.ndarray, gain: float) -> np.ndarray:
    """More contrast around the middle, clipped to [0, 1]."""
    return np.clip(0.5 + gain * (noise - 0.5), 0, 1)


def _wave(position: np.ndarray, period: float) -> np.ndarray:
    return 0.5 + 0.5 * np.sin(2 * np.pi * position / period)


@lru_cache
def weave(material: str) -> np.ndarray:
    """The surface of a material as shading levels, 0 to `WEAVE_LEVELS`."""
    return _frozen(np.rint(_WEAVES[material]() * WEAVE_LEVELS))


def _smooth() -> np.ndarray:
    return np.full((SHEET, SHEET), 0.5)


def _denim() -> np.ndarray:
    twill = (_X + _Y) % 6 < 3
    return 0.25 * twill + 0.75 * _stretched(_noise(21, 30, 70), 2.2)


def _linen() -> np.ndarray:
    return 0.5 * _stretched(_noise(22, 60, 6), 1.8) + 0.5 * _stretched(_noise(23, 6, 60), 1.8)


def _rib() -> np.ndarray:
    return np.sqrt(_wave(_X, 10))


def _cable() -> np.ndarray:
    strand = 7 * np.sin(2 * np.pi * _Y / 36)
    column = _X % 40 - 20
    braid = np.maximum(np.exp(-(((column - strand) / 4) ** 2)), np.exp(-(((column + strand) / 4) ** 2)))
    return 0.15 + 0.85 * braid


def _fleece() -> np.ndarray:
    tile = 128
    grain = np.rint(4 * _noise(24, 6)[:tile, :tile]) / 4
    return np.tile(grain, (SHEET // tile, SHEET // tile))


def _corduroy() -> np.ndarray:
    return np.clip(1.4 * _wave(_X, 13), 0, 1)


def _satin() -> np.ndarray:
    return _wave(_X + 0.6 * _Y + 60 * _noise(25, 90), 120) ** 2


def _leather() -> np.ndarray:
    sheen = np.clip((_noise(26, 34, 80) - 0.6) * 4, 0, 1)
    return 0.3 + 0.7 * sheen


def _suede() -> np.ndarray:
    return 0.15 + 0.7 * (_noise(27, 14) > 0.5)


def _quilted() -> np.ndarray:
    first, second = (_X + _Y) % 34, (_X - _Y) % 34
    seam = (first < 2.5) | (second < 2.5)
    puff = _wave(first - 8.5, 34) * _wave(second - 8.5, 34)
    return np.where(seam, 0.0, 0.4 + 0.6 * puff)


def _canvas() -> np.ndarray:
    return ((_X // 9 + _Y // 9) % 2) * 0.4 + ((_X // 3 + _Y // 3) % 2) * 0.3 + 0.15


_WEAVES = {
    "jersey": _smooth,
    "poplin": _smooth,
    "denim": _denim,
    "linen": _linen,
    "rib knit": _rib,
    "cable knit": _cable,
    "fleece": _fleece,
    "corduroy": _corduroy,
    "satin": _satin,
    "leather": _leather,
    "suede": _suede,
    "quilted": _quilted,
    "canvas": _canvas,
}


@lru_cache
def folds(number: int) -> np.ndarray:
    """The light on hanging cloth as shading levels, 0 to `FOLD_LEVELS`; `number` 0 to `FOLD_SHEETS` - 1."""
    slow, quick = _noise(100 + number, 110, 150), _noise(200 + number, 34, 90)
    return _frozen(2 * np.rint((0.65 * slow + 0.35 * quick) * FOLD_LEVELS / 2))


def crop(sheet: np.ndarray, left: int, top: int, spans: np.ndarray, size: int) -> np.ndarray:
    """A window of a sheet as `[size, size]` pixels; `spans` are its width and height in design units."""
    width, height = np.rint(spans).astype(int)
    window = sheet[top : top + height, left : left + width]
    return cv2.resize(window, (size, size), interpolation=cv2.INTER_NEAREST)
