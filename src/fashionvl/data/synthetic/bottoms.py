"""Garments for the lower body: trousers of any length, and skirts."""

from dataclasses import dataclass

import numpy as np

from fashionvl.data.synthetic.look import Look
from fashionvl.data.synthetic.necks import draw_zip
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

TOP = -105.0
BAND = 13.0


@dataclass(frozen=True)
class Legs:
    """Proportions of a pair of trousers in design units.

    Attributes:
        waist: half width of the waistband.
        hip: half width at the hip.
        rise: from the waist to the crotch.
        inseam: from the crotch to the hem, regular length.
        knee: width of a leg at the knee.
        hem: width of a leg at the hem.
        gap: half the distance of the two hems.
    """

    waist: float
    hip: float
    rise: float
    inseam: float
    knee: float
    hem: float
    gap: float


LEGS = {
    "JEANS": Legs(waist=37, hip=45, rise=58, inseam=152, knee=33, hem=36, gap=3),
    "TROUSERS": Legs(waist=34, hip=44, rise=62, inseam=150, knee=32, hem=19, gap=14),
    "SHORTS": Legs(waist=40, hip=52, rise=66, inseam=46, knee=48, hem=50, gap=4),
}
LENGTH_FACTORS = {"cropped": 0.72, "regular": 1.0, "long": 1.5}
SKIRT_FACTORS = {"cropped": 0.74, "regular": 1.0, "long": 1.3}


def draw_trousers(look: Look) -> Sketch:
    """Draw jeans, trousers or shorts."""
    legs = LEGS[look.subcategory]
    sketch = Sketch(focus=(0.0, TOP + 42))
    waist, hip = legs.waist * look.vary(1, 0.05), legs.hip * look.vary(1, 0.05)
    crotch = TOP + legs.rise * look.vary(2, 0.05)
    bottom = crotch + legs.inseam * LENGTH_FACTORS[look.get("length", "regular")] * look.vary(0, 0.04)
    middle = 0.5 * (crotch + bottom)
    hem = legs.hem * look.vary(3, 0.08)
    knee = (legs.gap * 0.5 + legs.knee * 1.08, middle)
    outside = rounded([(waist, TOP), (hip, crotch - 18), knee, (legs.gap + hem, bottom)], 2, closed=False)
    leg = np.concatenate([outside, [(legs.gap, bottom), (legs.gap * 0.4 + 1, middle), (0, crotch), (0, TOP)]])
    for side in (leg, mirrored(leg)):
        sketch.cloth(side, "body")
    _leg_trim(sketch, look, outside, (legs.gap, bottom))
    _hips(sketch, look, waist, crotch)
    if look.subcategory == "TROUSERS":
        crease = np.array([(waist * 0.55, TOP + 30), (legs.gap + hem * 0.5, bottom)])
        for side in (crease, mirrored(crease)):
            sketch.line(side, Slot.BASE, 2.5, shade=12)
    if look.subcategory == "JEANS":
        _stitching(sketch, look, (legs.gap + hem, bottom), crotch)
    return sketch


def _leg_trim(sketch: Sketch, look: Look, outside: Points, inner: tuple[float, float]) -> None:
    outer = outside[-1]
    cuff = box(inner[0], inner[1] - 14, float(outer[0]) + 1.5, inner[1])
    trim = look.get("trim")
    for side in (cuff, mirrored(cuff)):
        sketch.zone(side, "hem")
        if trim == "cuffs":
            sketch.panel(side, Slot.ACCENT, "trim")
    if trim == "side stripe":
        _side_stripe(sketch, outside)


def _side_stripe(sketch: Sketch, outside: Points) -> None:
    inside = outside[::-1] - (10.0, 0.0)
    stripe = np.concatenate([outside, inside]) - (2.0, 0.0)
    for side in (stripe, mirrored(stripe)):
        sketch.panel(side, Slot.ACCENT, "trim")


def _hips(sketch: Sketch, look: Look, waist: float, crotch: float) -> None:
    sketch.panel(box(-waist - 1, TOP - BAND, waist + 1, TOP), Slot.BASE, shade=-6)
    contrast = look.get("trim") == "pocket"
    slot, zones, shade = (Slot.ACCENT, ("trim",), 0) if contrast else (Slot.BASE, (), -6)
    if look.back:
        for panel in (patch := box(9, TOP + 18, 32, TOP + 44), mirrored(patch)):
            sketch.panel(panel, slot, *zones, shade=shade)
        return
    for panel in (
        patch := np.array(
            [(waist * 0.62, TOP), (waist, TOP), (waist + 4, TOP + 28), (waist * 0.92, TOP + 26)]
        ),
        mirrored(patch),
    ):
        sketch.panel(panel, slot, *zones, shade=shade)
    draw_fly(sketch, look, crotch)


def draw_fly(sketch: Sketch, look: Look, crotch: float) -> None:
    """The closure at the waist: a fly with buttons or a zip, or a drawstring."""
    style = look.get("closure")
    if style == "button":
        sketch.line([(0, TOP), (0, crotch - 6)], Slot.BASE, 2.5, shade=-14)
        for centre in along((0, TOP - BAND / 2), (0, crotch - 22), 3):
            sketch.dot(tuple(centre), 4.2, Slot.DETAIL, "closure")
    elif style == "zip":
        draw_zip(sketch, (0, TOP - 2), (0, crotch - 14))
    elif style == "lace-up":
        for side in (-1, 1):
            sketch.line(
                [(0, TOP - 6), (side * 9, TOP + 8), (side * 7, TOP + 34)], Slot.DETAIL, 3.5, "closure"
            )


def _stitching(sketch: Sketch, look: Look, hem: Point, crotch: float) -> None:
    (outer, bottom), thread = hem, 1.6
    for side in (1, -1):
        sketch.line([(side * 5, bottom - 6), (side * (outer - 2), bottom - 6)], Slot.DETAIL, thread)
    if look.back:
        sketch.line([(-40, TOP + 10), (0, TOP + 16), (40, TOP + 10)], Slot.DETAIL, thread)
    else:
        sketch.line([(12, TOP), (12, crotch - 20), (0, crotch - 8)], Slot.DETAIL, thread)


def draw_skirt(look: Look) -> Sketch:
    """Draw a mid-length A-line skirt."""
    sketch = Sketch(focus=(0.0, TOP + 60))
    waist = 34 * look.vary(1, 0.06)
    hem = 70 * look.vary(2, 0.08)
    bottom = TOP + 150 * SKIRT_FACTORS[look.get("length", "regular")] * look.vary(0, 0.05)
    outside = rounded([(waist, TOP), (waist + 20, TOP + 44), (hem, bottom - 4)], 2, False)
    sketch.cloth(
        symmetric(np.concatenate([[(0, TOP)], outside, [(hem * 0.6, bottom + 3), (0, bottom + 6)]])), "body"
    )
    strip = symmetric(
        [
            (0, bottom - 12),
            (hem * 0.6, bottom - 15),
            (hem - 3, bottom - 21),
            (hem, bottom - 4),
            (hem * 0.6, bottom + 3),
            (0, bottom + 6),
        ]
    )
    sketch.zone(strip, "hem")
    if look.get("trim") == "hem":
        sketch.panel(strip, Slot.ACCENT, "trim")
    if look.get("trim") == "side stripe":
        _side_stripe(sketch, outside)
    for share in (-0.75, -0.4, 0.4, 0.75):
        sketch.line([(share * waist, TOP + 26), (share * hem, bottom)], Slot.BASE, 2.5, shade=-11)
    sketch.panel(box(-waist - 1, TOP - BAND, waist + 1, TOP), Slot.BASE, shade=-6)
    if not look.back:
        _skirt_front(sketch, look, bottom)
    return sketch


def _skirt_front(sketch: Sketch, look: Look, bottom: float) -> None:
    if look.get("trim") == "pocket":
        for panel in (patch := box(16, TOP + 28, 40, TOP + 56), mirrored(patch)):
            sketch.panel(panel, Slot.ACCENT, "trim")
    if look.get("closure") == "button":
        sketch.panel(box(-6, TOP - BAND, 6, bottom + 4), Slot.BASE, "closure", shade=-5)
        for centre in along((0, TOP - BAND / 2), (0, bottom - 8), 6):
            sketch.dot(tuple(centre), 4.4, Slot.DETAIL, "closure")
    elif look.get("closure") == "zip":
        draw_zip(sketch, (0, TOP - BAND), (0, bottom - 30))
