"""Garments for the upper body: one torso with sleeves, cut differently for each sub-category."""

from dataclasses import dataclass

import numpy as np

from fashionvl.data.synthetic.look import Look
from fashionvl.data.synthetic.necks import draw_closure, draw_collar, draw_lining, neckline
from fashionvl.data.synthetic.sketch import Point, Points, Sketch, Slot, box, mirrored, rounded, symmetric

LENGTH_FACTORS = {"cropped": 0.76, "regular": 1.0, "long": 1.26}
SLEEVE_FACTORS = {"short": 0.36, "three-quarter": 0.72, "long": 1.0}
TOP = -100.0


@dataclass(frozen=True)
class Cut:
    """Proportions of an upper-body garment; half widths and lengths in design units.

    Attributes:
        shoulder: where the sleeve seam begins.
        chest: under the arm.
        waist: the narrowest place.
        hem: at the bottom.
        length: from the neck to the bottom of a regular length.
        neck: half width of the neck opening.
        slope: fall of the shoulder.
        armhole: from the shoulder seam to under the arm.
        sleeve: length of a long sleeve.
        wrist: width of a sleeve's end.
        puff: how far a sleeve swells outwards at the elbow.
        bands: ribbed bands close hem and wrists.
        hem_drop: how far the middle of the hem hangs below its ends (negative: is cut away).
        raglan: sleeve seams run to the neck.
        pocket: the pockets the sub-category always has.
    """

    shoulder: float = 50
    chest: float = 54
    waist: float = 53
    hem: float = 55
    length: float = 150
    neck: float = 20
    slope: float = 13
    armhole: float = 44
    sleeve: float = 128
    wrist: float = 19
    puff: float = 3
    bands: bool = False
    hem_drop: float = 0
    raglan: bool = False
    pocket: str = ""


CUTS = {
    "T-SHIRTS": Cut(length=162),
    "SHIRTS": Cut(shoulder=51, chest=54, waist=50, hem=52, length=164, wrist=20, hem_drop=14),
    "POLOS": Cut(shoulder=48, chest=52, waist=51, hem=52, length=164, neck=19),
    "TANK TOPS": Cut(shoulder=32, chest=46, waist=45, hem=48, length=156, neck=19, slope=5, armhole=58),
    "HOODIES & ZIPUPS": Cut(chest=58, waist=57, hem=53, puff=10, wrist=18, bands=True, pocket="kangaroo"),
    "CREWNECKS": Cut(shoulder=46, chest=58, waist=57, hem=51, length=146, puff=13, bands=True, raglan=True),
    "CARDIGANS": Cut(shoulder=46, chest=51, waist=48, hem=51, length=160, puff=5, bands=True, pocket="patch"),
    "BOMBERS": Cut(shoulder=53, chest=62, waist=62, hem=52, length=134, puff=16, bands=True, pocket="slant"),
    "BLAZERS": Cut(shoulder=54, chest=53, waist=46, hem=55, length=172, hem_drop=-10, pocket="flap"),
    "SHORT DRESSES": Cut(
        shoulder=40, chest=42, waist=33, hem=68, length=196, armhole=38, sleeve=116, wrist=16
    ),
}


@dataclass(frozen=True)
class Torso:
    """A cut made to measure for one product: its right-hand anchor points, and its bottom edge."""

    cut: Cut
    neck: Point
    shoulder: Point
    armpit: Point
    waist: Point
    hem: Point


def measure(look: Look, cut: Cut) -> Torso:
    """Apply the product's own proportions and its length."""
    length = cut.length * LENGTH_FACTORS[look.get("length", "regular")] * look.vary(0, 0.05)
    wide = look.vary(1, 0.06)
    # Straps, not shoulders, where there is no sleeve.
    reach = min(cut.shoulder, 34) if look.get("sleeve") == "sleeveless" else cut.shoulder
    shoulder = (reach * wide, TOP + cut.slope)
    armpit = (cut.chest * wide, shoulder[1] + cut.armhole * look.vary(2, 0.05))
    waist = (cut.waist * wide, TOP + min(0.5 * length, 85))
    return Torso(
        cut, (cut.neck * look.vary(3, 0.08), TOP), shoulder, armpit, waist, (cut.hem * wide, TOP + length)
    )


def draw_top(look: Look) -> Sketch:
    """Draw any upper-body garment."""
    torso = measure(look, CUTS[look.subcategory])
    sketch = Sketch(focus=(0.0, TOP + 50))
    draw_lining(sketch, look, torso.neck)
    _sleeves(sketch, look, torso)
    edge = neckline(look, torso.neck)
    sketch.cloth(_body(torso, edge, look.get("sleeve") == "sleeveless"), "body")
    if torso.cut.raglan:
        _raglan_seams(sketch, torso)
    _hem(sketch, look, torso)
    if not look.back:
        _pockets(sketch, look, torso)
        bottom = torso.hem[1] + min(torso.cut.hem_drop, 0)
        draw_closure(sketch, look, float(edge[:, 1].max()), bottom)
        _print(sketch, look)
    draw_collar(sketch, look, torso.neck, edge)
    return sketch


def _body(torso: Torso, edge: Points, bare: bool) -> Points:
    side = rounded([torso.armpit, torso.waist, torso.hem], 2, closed=False)
    if bare:
        hollow = (torso.shoulder[0] - 4, torso.armpit[1] - 16)
        side = np.concatenate([rounded([torso.shoulder, hollow, torso.armpit], 2, closed=False), side])
    bottom = torso.hem[1] + torso.cut.hem_drop
    right = np.concatenate([[torso.neck, torso.shoulder], side, [(torso.hem[0] * 0.55, bottom)]])
    return np.concatenate([edge, right[1:], mirrored(right)[:0:-1]])


def _sleeves(sketch: Sketch, look: Look, torso: Torso) -> None:
    style = look.get("sleeve", "long")
    if style == "sleeveless":
        _armholes(sketch, torso)
        return
    share = SLEEVE_FACTORS[style]
    angle = np.deg2rad(58 if style == "short" else 70 + 2 * look.jitter[4])
    way = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-way[1], way[0]])
    shoulder, armpit = np.array(torso.shoulder), np.array(torso.armpit)
    wrist = torso.cut.wrist + (1 - share) * 14
    outer = shoulder + way * torso.cut.sleeve * share * look.vary(5, 0.04)
    inner = outer + across * wrist
    swell = torso.cut.puff * (share > 0.5)
    elbow = 0.55 * shoulder + 0.45 * outer - across * (swell + 5)
    crook = 0.5 * armpit + 0.5 * inner + across * swell * 0.3
    outline = np.concatenate(
        [[shoulder], rounded([shoulder, elbow, outer], 2, closed=False), [inner, crook, armpit]]
    )
    band = 15 if torso.cut.bands else 9
    cuff = np.array([outer, inner, inner - way * band, outer - way * band])
    for side in (outline, mirrored(outline)):
        sketch.cloth(side, "sleeve", shade=-3)
    for side in (cuff, mirrored(cuff)):
        _trim(sketch, look, side, "cuffs", torso.cut.bands)


def _armholes(sketch: Sketch, torso: Torso) -> None:
    (x, top), (edge, bottom) = torso.shoulder, torso.armpit
    zone = box(x - 8, top, edge + 4, bottom)
    for side in (zone, mirrored(zone)):
        sketch.zone(side, "sleeve")


def _trim(sketch: Sketch, look: Look, points: Points, part: str, always: bool) -> None:
    if look.get("trim") == part:
        sketch.panel(points, Slot.ACCENT, "trim")
    elif always:
        sketch.panel(points, Slot.BASE, shade=-6)


def _raglan_seams(sketch: Sketch, torso: Torso) -> None:
    seam = np.array([torso.neck, torso.armpit])
    for side in (seam, mirrored(seam)):
        sketch.line(side, Slot.BASE, 2.5, shade=-12)


def _hem(sketch: Sketch, look: Look, torso: Torso) -> None:
    x, y = torso.hem
    band = 16 if torso.cut.bands else 11
    strip = box(-x, y - band, x, y)
    sketch.zone(strip, "hem")
    if torso.cut.hem_drop == 0:
        _trim(sketch, look, strip, "hem", torso.cut.bands)
    if look.subcategory == "SHORT DRESSES":
        waist = torso.waist
        sketch.panel(box(-waist[0], waist[1] - 4, waist[0], waist[1] + 4), Slot.BASE, shade=-8)


def _pockets(sketch: Sketch, look: Look, torso: Torso) -> None:
    contrast = look.get("trim") == "pocket"
    bottom, style = torso.hem[1], torso.cut.pocket
    if style == "":
        panels = [box(10, -58, 37, -26)] if contrast else []
    elif style == "kangaroo":
        panels = [symmetric([(20, bottom - 62), (36, bottom - 24), (36, bottom - 17)])]
    elif style == "slant":
        right = np.array([(30, bottom - 56), (37, bottom - 54), (46, bottom - 28), (39, bottom - 26)])
        panels = [right, mirrored(right)]
    else:
        height = 10 if style == "flap" else 34
        right = box(16, bottom - 58, 44, bottom - 58 + height)
        panels = [right, mirrored(right)]
    for panel in panels:
        if contrast:
            sketch.panel(panel, Slot.ACCENT, "trim")
        else:
            sketch.cloth(panel, shade=-4)


def _print(sketch: Sketch, look: Look) -> None:
    if look.get("pattern") != "graphic":
        return
    for motif in look.motif((0.0, -34.0), 26.0):
        sketch.patch(motif, Slot.ACCENT, "graphic")
