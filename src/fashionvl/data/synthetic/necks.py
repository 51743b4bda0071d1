"""Necklines, collars and front closures of upper-body garments."""

import numpy as np

from fashionvl.data.synthetic.look import Look
from fashionvl.data.synthetic.sketch import (
    Point,
    Points,
    Sketch,
    Slot,
    along,
    box,
    mirrored,
    rounded,
    symmetric,
)

DEPTHS = {
    "crewneck": 17.0,
    "v-neck": 44.0,
    "scoop": 46.0,
    "spread": 15.0,
    "polo": 15.0,
    "stand": 6.0,
    "turtleneck": 3.0,
    "hood": 14.0,
    "notched": 82.0,
    "shawl": 82.0,
}
BACK_DEPTH = 5.0
STRAIGHT = ("v-neck", "notched", "shawl")


def _depth(look: Look) -> float:
    if look.back:
        return BACK_DEPTH
    depth = DEPTHS[look.get("collar", "crewneck")]
    return 64.0 if look.subcategory == "CARDIGANS" else depth


def neckline(look: Look, neck: Point) -> Points:
    """The edge of the neck opening from the left shoulder over the middle to the right, `[P, 2]`."""
    width, top = neck
    depth = _depth(look)
    if look.get("collar") in STRAIGHT and not look.back:
        return np.array(
            [
                (-width, top),
                (-width * 0.5, top + depth * 0.56),
                (0, top + depth),
                (width * 0.5, top + depth * 0.56),
                (width, top),
            ]
        )
    angles = np.linspace(np.pi, 0, 13)
    return np.stack([width * np.cos(angles), top + depth * np.sin(angles)], axis=1)


def draw_lining(sketch: Sketch, look: Look, neck: Point) -> None:
    """The inside of the back, seen through the neck opening."""
    width, top = neck
    depth = _depth(look)
    if look.get("collar") == "hood":
        _hood(sketch, look, neck)
    if not look.back:
        sketch.panel(
            [
                (-width, top - 1),
                (0, top + 3),
                (width, top - 1),
                (width * 0.8, top + depth),
                (-width * 0.8, top + depth),
            ],
            Slot.DARK,
        )


def _hood(sketch: Sketch, look: Look, neck: Point) -> None:
    width, top = neck
    outline = rounded(
        symmetric([(0, top - 50), (width + 8, top - 44), (width + 17, top - 8), (width + 8, top + 16)]), 2
    )
    sketch.cloth(outline, *(() if look.back else ("collar",)), shade=-2)
    if not look.back:
        sketch.panel(
            rounded(
                symmetric([(0, top - 40), (width - 1, top - 32), (width + 2, top + 2), (4, top + 14)]), 2
            ),
            Slot.DARK,
        )


def draw_collar(sketch: Sketch, look: Look, neck: Point, edge: Points) -> None:
    """The collar itself, on top of the body."""
    slot, shade = (Slot.ACCENT, 0) if look.get("trim") == "collar" else (Slot.BASE, -7)
    style = look.get("collar", "crewneck")
    # A collar can be told from another from the front only; its contrast is seen from behind too.
    zones = (() if look.back else ("collar",)) + (("trim",) if slot == Slot.ACCENT else ())
    if style in ("stand", "turtleneck"):
        _standing(sketch, neck, 14.0 if style == "stand" else 26.0, slot, shade, zones)
    elif look.back or style in ("crewneck", "v-neck", "scoop"):
        _band(sketch, edge, 8.0, slot, shade, zones)
    elif style in ("spread", "polo"):
        _leaves(sketch, neck, 30.0 if style == "spread" else 20.0, slot, shade, zones)
    elif style in ("notched", "shawl"):
        _lapels(sketch, neck, style == "notched", slot, shade, zones)
    else:
        _drawstrings(sketch, neck)


def _band(sketch: Sketch, edge: Points, width: float, slot: Slot, shade: int, zones: tuple[str, ...]) -> None:
    middle = np.array([0.0, edge[0, 1] - 4.0])
    ways = edge - middle
    outer = edge + ways / np.linalg.norm(ways, axis=1, keepdims=True) * width
    outer[[0, -1], 1] = edge[[0, -1], 1] + 1.0
    sketch.panel(np.concatenate([edge, outer[::-1]]), slot, *zones, shade=shade)


def _standing(
    sketch: Sketch, neck: Point, height: float, slot: Slot, shade: int, zones: tuple[str, ...]
) -> None:
    width, top = neck
    outline = symmetric(
        [(0, top - height), (width - 1, top - height + 1), (width + 3, top + 3), (0, top + 9)]
    )
    sketch.panel(outline, slot, *zones, shade=shade)


def _leaves(
    sketch: Sketch, neck: Point, reach: float, slot: Slot, shade: int, zones: tuple[str, ...]
) -> None:
    width, top = neck
    leaf = np.array(
        [(width - 5, top - 9), (width + 4, top + 2), (width * 0.95, top + reach), (1.5, top + 15)]
    )
    sketch.panel(
        symmetric([(0, top - 7), (width - 5, top - 9), (width, top), (0, top + 2)]),
        slot,
        *zones,
        shade=shade - 3,
    )
    for side in (leaf, mirrored(leaf)):
        sketch.panel(side, slot, *zones, shade=shade + 2)


def _lapels(sketch: Sketch, neck: Point, notch: bool, slot: Slot, shade: int, zones: tuple[str, ...]) -> None:
    width, top = neck
    bottom = top + 84
    if notch:
        lapel = np.array(
            [
                (width - 5, top - 6),
                (width + 6, top + 4),
                (width + 12, top + 24),
                (width + 2, top + 26),
                (width + 14, top + 33),
                (width + 6, top + 52),
                (0, bottom),
                (width * 0.5, top + 46),
            ]
        )
    else:
        lapel = np.concatenate(
            [
                rounded(
                    [(width - 5, top - 6), (width + 10, top + 10), (width + 13, top + 46), (0, bottom)],
                    2,
                    False,
                ),
                [(width * 0.5, top + 46)],
            ]
        )
    for side in (lapel, mirrored(lapel)):
        sketch.panel(side, slot, *zones, shade=shade)


def _drawstrings(sketch: Sketch, neck: Point) -> None:
    width, top = neck
    for side in (-1, 1):
        sketch.line([(side * width * 0.4, top + 12), (side * width * 0.5, top + 52)], Slot.DETAIL, 3.0)


def draw_closure(sketch: Sketch, look: Look, start: float, end: float) -> None:
    """The front opening, from the neckline at height `start` down to the hem at `end`."""
    style = look.get("closure")
    if look.subcategory == "POLOS":
        end = start + 38
    if style == "button":
        _button_front(sketch, look, start, end)
    elif style == "zip":
        draw_zip(sketch, (0, start - 4), (0, end - 1))
    elif style == "double-breasted":
        sketch.line([(-14, start + 6), (-14, end)], Slot.BASE, 2.5, "closure", shade=-14)
        for side in (-16, 16):
            for centre in along((side, start + 10), (side, min(start + 54, end - 12)), 3):
                sketch.dot(tuple(centre), 4.6, Slot.DETAIL, "closure")
    elif style == "open":
        sketch.panel(
            symmetric([(0, start - 18), (3, start - 14), (9, end + 1), (0, end + 1)]), Slot.DARK, "closure"
        )


def _button_front(sketch: Sketch, look: Look, start: float, end: float) -> None:
    if look.subcategory == "BLAZERS":
        sketch.line([(0, start), (0, end - 8)], Slot.BASE, 2.5, "closure", shade=-14)
        centres = along((0, start + 8), (0, start + 32), 2)
    else:
        sketch.panel(box(-6, start - 3, 6, end), Slot.BASE, "closure", shade=-5)
        centres = along((0, start + 6), (0, end - 8), max(2, round((end - start) / 24)))
    for centre in centres:
        sketch.dot(tuple(centre), 4.2, Slot.DETAIL, "closure")


def draw_zip(sketch: Sketch, start: Point, end: Point) -> None:
    """A metal zip with its puller."""
    sketch.line([start, end], Slot.DARK, 9.0, "closure")
    sketch.line([start, end], Slot.DETAIL, 4.0, "closure")
    sketch.patch(box(start[0] - 4, start[1] + 6, start[0] + 4, start[1] + 18), Slot.DETAIL, "closure")
