"""Rendering of outlines as photographs: labels, shading levels, one palette look-up, one blur.

Everything up to the look-up happens on one channel. A pixel's value there is `64 * slot + level`: four paints
with 64 brightness levels each; 255 is the white background.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from fashionvl.data.synthetic import sheets
from fashionvl.data.synthetic.accessories import draw_beanie, draw_boot, draw_sneaker, draw_tote
from fashionvl.data.synthetic.attributes import ATTRIBUTES, COLOURS
from fashionvl.data.synthetic.bottoms import draw_skirt, draw_trousers
from fashionvl.data.synthetic.look import Look
from fashionvl.data.synthetic.plan import Product
from fashionvl.data.synthetic.sketch import Shape, Sketch
from fashionvl.data.synthetic.tops import CUTS, draw_top

SIZE = 256
MIDDLE_LEVEL = 39
"""The level at which a paint has its own colour: about the mean of weave, folds, light and `_OFFSET`."""
LEVEL_STEP = 0.012
"""Brightness, as a share of the paint's own, between two levels; chosen by eye."""
_OFFSET = 16
_SHIFT = 4
_EDGE = np.ones((3, 3), np.uint8)

_PAINTERS = {
    "JEANS": draw_trousers,
    "TROUSERS": draw_trousers,
    "SHORTS": draw_trousers,
    "MID LENGTH SKIRTS": draw_skirt,
    "TOTE BAGS": draw_tote,
    "LOW TOP SNEAKERS": draw_sneaker,
    "CHELSEA BOOTS": draw_boot,
    "BEANIES": draw_beanie,
    **dict.fromkeys(CUTS, draw_top),
}

_ZONES = {
    "colour": "body",
    "material": "body",
    "sleeve": "sleeve",
    "collar": "collar",
    "closure": "closure",
    "length": "hem",
    "trim": "trim",
}


@dataclass(frozen=True)
class Photograph:
    """One view of a product.

    Attributes:
        image: `[256, 256, 3]` uint8 RGB, background exactly 255.
        foreground: `[256, 256]` bool, True on the product.
        regions: `[A, 4]` int16 boxes x0, y0, x1, y1 (end excluded) in the order of `ATTRIBUTES`; -1: unseen.
    """

    image: np.ndarray
    foreground: np.ndarray
    regions: np.ndarray


def photograph(product: Product, seed: int) -> list[Photograph]:
    """Draw every view of a product."""
    rng = np.random.default_rng([seed, product.index, 1])
    jitter = rng.uniform(-1, 1, 8)
    tint = rng.uniform(0.97, 1.03, 3)
    size = int(rng.integers(sheets.PATTERN_SIZES))
    paints = _paints(product, tint)
    sides = {
        back: _PAINTERS[product.kind.subcategory](
            Look(product.kind.subcategory, product.attributes, jitter, back)
        )
        for back in {view == "back" for view in product.views}
    }
    return [_shoot(product, sides[view == "back"], view, paints, size, rng) for view in product.views]


def _paints(product: Product, tint: np.ndarray) -> np.ndarray:
    base = np.array(COLOURS[product.attributes["colour"]], dtype=np.float64)
    second = product.attributes.get("secondary")
    accent = base if second is None else np.array(COLOURS[second], dtype=np.float64)
    light = base.mean() > 150
    detail = np.array((52.0, 46, 44) if light else (232.0, 230, 226))
    dark = base * 0.45 if base.mean() > 45 else base + 34
    return np.stack([base * tint, accent * tint, detail, dark])


def _palette(paints: np.ndarray, brightness: float) -> np.ndarray:
    steps = LEVEL_STEP * (np.arange(64) - MIDDLE_LEVEL)
    # The constant term keeps folds visible on black, where a factor alone changes nothing.
    shaded = paints[:, None, :] * (1 + steps[:, None]) * brightness + 36 * steps[:, None]
    palette = np.clip(shaded, 4, 246).astype(np.uint8).reshape(256, 1, 3)
    palette[255] = 255
    return palette


def _shoot(
    product: Product, sketch: Sketch, view: str, paints: np.ndarray, size: int, rng: np.random.Generator
) -> Photograph:
    matrix = _camera(sketch, view, rng)
    shapes, details = _project(sketch.shapes, matrix), _project(sketch.details, matrix)
    label = np.zeros((SIZE, SIZE), np.uint8)
    zoom = float(np.abs(np.linalg.det(matrix[:, :2]))) ** 0.5
    _fill(label, sketch.shapes, shapes, 1, zoom)
    edges = cv2.morphologyEx(label, cv2.MORPH_GRADIENT, _EDGE)
    _fill(label, sketch.details, details, 1 + len(shapes), zoom)
    background = cv2.compare(label, 0, cv2.CMP_EQ)
    every = sketch.shapes + sketch.details
    cloth = _pattern(product, label, every, matrix, size, rng)
    level = _levels(product, label, every, view, matrix, rng)
    level = _outlined(cv2.add(level, cloth & (sheets.SECOND - 1)), edges, bool(paints[0].mean() < 60))
    code = cv2.add(level, _looked_up(label, [64 * shape.slot for shape in every]) | (cloth & sheets.SECOND))
    code = cv2.max(code, background)
    image = cv2.applyColorMap(code, _palette(paints, rng.uniform(0.95, 1.05)))
    image = cv2.GaussianBlur(image, (3, 3), 0)
    return Photograph(image, background == 0, _regions(product, sketch, matrix))


def _camera(sketch: Sketch, view: str, rng: np.random.Generator) -> np.ndarray:
    points = np.concatenate([shape.points for shape in sketch.shapes + sketch.details])
    low, high = points.min(axis=0), points.max(axis=0)
    scale = rng.uniform(208, 242) / float((high - low).max())
    shift = rng.uniform(-3, 3, 2)
    tilt = np.deg2rad(rng.uniform(-1.5, 1.5) if view != "styled" else rng.uniform(4, 8) * rng.choice([-1, 1]))
    flip = (
        -1.0
        if view in ("back", "styled") or (view in ("side", "three-quarter") and rng.random() < 0.5)
        else 1.0
    )
    narrow = {"side": 0.62, "three-quarter": 0.82}.get(view, 1.0)
    centre = (low + high) / 2
    if view == "detail":
        scale *= rng.uniform(1.6, 2.0)
        centre = np.asarray(sketch.focus)
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    linear = turn @ np.diag([scale * narrow * flip, scale])
    offset = SIZE / 2 + shift - linear @ centre
    return np.concatenate([linear, offset[:, None]], axis=1)


def _project(shapes: list[Shape], matrix: np.ndarray) -> list[np.ndarray]:
    if not shapes:
        return []
    counts = np.cumsum([len(shape.points) for shape in shapes])
    points = np.concatenate([shape.points for shape in shapes]) @ matrix[:, :2].T + matrix[:, 2]
    return np.split(np.rint(points * (1 << _SHIFT)).astype(np.int32), counts[:-1])


def _fill(
    label: np.ndarray, shapes: list[Shape], outlines: list[np.ndarray], first: int, zoom: float
) -> None:
    for number, (shape, outline) in enumerate(zip(shapes, outlines, strict=True), start=first):
        if shape.width:
            thickness = max(1, round(shape.width * zoom))
            cv2.polylines(label, [outline], False, number, thickness, cv2.LINE_8, _SHIFT)
        else:
            cv2.fillPoly(label, [outline], number, cv2.LINE_8, _SHIFT)


def _looked_up(label: np.ndarray, values: list[int], background: int = 0) -> np.ndarray:
    """Spread one value a shape over the pixels that show the shape."""
    table = np.full(256, background, np.uint8)
    table[1 : len(values) + 1] = values
    return cv2.LUT(label, table)


def _levels(
    product: Product,
    label: np.ndarray,
    shapes: list[Shape],
    view: str,
    matrix: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    weave = _window(sheets.weave(product.attributes["material"]), matrix, rng)
    fold = sheets.folds(int(rng.integers(sheets.FOLD_SHEETS)))
    left, top = rng.integers(0, sheets.SHEET - SIZE, 2)
    level = cv2.add(weave, fold[top : top + SIZE, left : left + SIZE])
    level += _light(view, bool(rng.random() < 0.5))
    return cv2.add(level, _looked_up(label, [_OFFSET + shape.shade for shape in shapes], _OFFSET))


def _outlined(level: np.ndarray, edges: np.ndarray, dark: bool) -> np.ndarray:
    """Draw the outlines, light on dark cloth, and keep every level below the next paint's."""
    depth = 14 if dark else 20
    mark = cv2.compare(edges, 0, cv2.CMP_GT) & np.uint8(depth)
    return cv2.min(cv2.add(level, mark) if dark else cv2.subtract(level, mark), 62)


@lru_cache
def _light(view: str, from_left: bool) -> np.ndarray:
    across = np.linspace(-1, 1, SIZE)
    profile = 8 * (1 - 0.8 * across**2) if view not in ("side", "three-quarter") else 5 + 5 * across
    row = np.rint(np.clip(profile, 0, 10)).astype(np.uint8)
    return row if from_left else row[::-1]


def _window(sheet: np.ndarray, matrix: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    spans = np.minimum(SIZE / np.linalg.norm(matrix[:, :2], axis=0), sheets.SHEET - 64)
    left, top = rng.integers(0, 64, 2)
    return sheets.crop(sheet, int(left), int(top), spans, SIZE)


def _pattern(
    product: Product,
    label: np.ndarray,
    shapes: list[Shape],
    matrix: np.ndarray,
    size: int,
    rng: np.random.Generator,
) -> np.ndarray:
    name = product.attributes["pattern"]
    if name in ("solid", "graphic"):
        return np.zeros_like(label)
    sheet = _window(sheets.pattern(name, size), matrix, rng)
    return sheet & _looked_up(label, [255 * shape.patterned for shape in shapes])


def _regions(product: Product, sketch: Sketch, matrix: np.ndarray) -> np.ndarray:
    names = list(sketch.zones)
    parts = [np.concatenate(sketch.zones[name]) for name in names]
    points = np.concatenate(parts) @ matrix[:, :2].T + matrix[:, 2]
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
    low = np.floor(np.minimum.reduceat(points, starts))
    high = np.ceil(np.maximum.reduceat(points, starts)) + 1
    boxes = dict(zip(names, _clipped(low, high), strict=True))
    unseen = np.full(4, -1)
    zones = [_zone(name, product) if name in product.attributes else "" for name in ATTRIBUTES]
    return np.stack([boxes.get(zone, unseen) for zone in zones]).astype(np.int16)


def _clipped(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    start, end = np.clip(low, 0, SIZE), np.clip(high, 0, SIZE)
    area = np.prod(np.maximum(end - start, 0), axis=1)
    seen = (area >= 0.3 * np.prod(high - low, axis=1)) | (area >= 0.1 * SIZE**2)
    return np.where(seen[:, None], np.concatenate([start, end], axis=1), -1)


def _zone(name: str, product: Product) -> str:
    pattern = product.attributes["pattern"]
    if name == "pattern" or (name == "secondary" and pattern != "solid"):
        return "graphic" if pattern == "graphic" else "body"
    return "trim" if name == "secondary" else _ZONES[name]
