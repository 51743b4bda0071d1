"""Bags, shoes and hats."""

from collections.abc import Sequence

import numpy as np

from fashionvl.data.synthetic.look import Look
from fashionvl.data.synthetic.sketch import Point, Points, Sketch, Slot, along, box, rounded, symmetric


def draw_tote(look: Look) -> Sketch:
    """Draw an open tote bag with two handles."""
    sketch = Sketch(focus=(0.0, -10.0))
    half = 78 * look.vary(1, 0.1)
    top, bottom = -34.0, -34 + 118 * look.vary(0, 0.1)
    flare = 1 - 0.1 * (1 + look.jitter[2])
    trim, closure = look.get("trim"), look.get("closure")
    _handles(sketch, look, top)
    if not look.back and closure == "open top":
        sketch.panel(
            [(-half + 4, top - 8), (half - 4, top - 8), (half, top + 2), (-half, top + 2)],
            Slot.DARK,
            "closure",
        )
    corners = [(half, top), (half * flare, bottom)]
    sketch.cloth(symmetric(corners), "body")
    if trim == "base":
        low = half * flare + (half - half * flare) * 0.26
        sketch.panel(symmetric([(low, bottom - 30), (half * flare, bottom)]), Slot.ACCENT, "trim")
    if look.back:
        return sketch
    if trim == "pocket":
        sketch.panel(box(-34, top + 34, 34, top + 78), Slot.ACCENT, "trim")
    if look.get("pattern") == "graphic":
        for motif in look.motif((0.0, 0.5 * (top + bottom)), 32.0):
            sketch.patch(motif, Slot.ACCENT, "graphic")
    if closure == "zip":
        sketch.line([(-half + 6, top + 7), (half - 6, top + 7)], Slot.DARK, 9, "closure")
        sketch.line([(-half + 6, top + 7), (half - 6, top + 7)], Slot.DETAIL, 4, "closure")
    elif closure == "button":
        sketch.panel(rounded(box(-14, top - 6, 14, top + 30)), Slot.BASE, "closure", shade=-7)
        sketch.dot((0, top + 20), 6, Slot.DETAIL, "closure")
    return sketch


def _handles(sketch: Sketch, look: Look, top: float) -> None:
    contrast = look.get("trim") == "handles"
    rise = 62 * look.vary(3, 0.15)
    for back in (True, False):
        lift = 8 if back else 0
        arch = rounded(
            [(-40, top + 10), (-38, top - rise - lift), (38, top - rise - lift), (40, top + 10)],
            3,
            closed=False,
        )
        ring = np.concatenate([arch, (arch * (0.78, 1) + (0, 11))[::-1]])
        if contrast:
            sketch.panel(ring, Slot.ACCENT, "trim", shade=-6 if back else 0)
        else:
            sketch.panel(ring, Slot.BASE, shade=-12 if back else -5)


UPPER = [
    (-96, 26),
    (-100, -8),
    (-92, -36),
    (-74, -42),
    (-52, -30),
    (-30, -44),
    (-8, -42),
    (24, -10),
    (62, 0),
    (92, 10),
    (102, 28),
]
BOOT = [
    (-60, 78),
    (-66, 52),
    (-58, 16),
    (-57, -50),
    (16, -53),
    (13, 6),
    (30, 32),
    (70, 42),
    (93, 58),
    (95, 78),
]


def draw_sneaker(look: Look) -> Sketch:
    """Draw a low sneaker in profile, toe to the right."""
    sketch = Sketch(focus=(-6.0, -10.0))
    trim = look.get("trim")
    stretch = np.array([look.vary(0, 0.05), 1.25 * look.vary(1, 0.1)])
    sketch.panel(np.array([(-72, -36), (-52, -26), (-30, -40), (-50, -46)]) * stretch, Slot.DARK)
    upper = rounded(UPPER, 2) * stretch
    sketch.cloth(upper, "body")
    sketch.panel(
        np.array([(-100, -8), (-92, -36), (-78, -40), (-78, -10), (-80, 26), (-96, 26)]) * stretch * 0.99,
        *((Slot.ACCENT, "trim") if trim == "heel" else (Slot.BASE,)),
        shade=0 if trim == "heel" else -7,
    )
    sketch.panel(rounded([(58, 2), (92, 10), (101, 28), (50, 28)], 2) * stretch, Slot.BASE, shade=-6)
    sole = rounded([(-100, 22), (102, 22), (106, 34), (98, 46), (-96, 46), (-104, 36)], 1) * stretch
    sketch.panel(sole, Slot.ACCENT if trim == "sole" else Slot.DETAIL, *(("trim",) if trim == "sole" else ()))
    if look.back:
        sketch.panel(np.array([(-40, -14), (10, 6), (2, 16), (-46, -2)]) * stretch, Slot.BASE, shade=-10)
    _fastening(sketch, look, stretch)
    return sketch


def _fastening(sketch: Sketch, look: Look, stretch: Points) -> None:
    closure = look.get("closure")
    if closure == "lace-up":
        for start in along((-24, -40), (24, -8), 5):
            sketch.line(np.stack([start, start + np.array((-13, 17))]) * stretch, Slot.DETAIL, 5, "closure")
    elif closure == "strap":
        for x, y in ((-26, -38), (4, -20)):
            sketch.panel(
                np.array([(x, y), (x + 15, y + 9), (x - 10, y + 44), (x - 25, y + 36)]) * stretch,
                Slot.BASE,
                "closure",
                shade=-10,
            )
            sketch.patch(
                np.array([(x + 2, y + 6), (x + 9, y + 10), (x + 4, y + 17), (x - 3, y + 13)]) * stretch,
                Slot.DETAIL,
                "closure",
            )
    else:
        sketch.panel(
            np.array([(-34, -42), (-12, -40), (-30, -8), (-40, -18)]) * stretch, Slot.DARK, "closure"
        )


def draw_boot(look: Look) -> Sketch:
    """Draw an ankle boot with side gores in profile, toe to the right."""
    sketch = Sketch(focus=(-14.0, 0.0))
    trim = look.get("trim")
    shaft = {"ankle": 0.8, "mid-calf": 1.5}[look.get("length", "ankle")]

    def fit(points: Sequence[Point]) -> Points:
        tall = np.array(points, dtype=np.float64)
        tall[:, 1] = np.where(
            tall[:, 1] < 20, 20 + (tall[:, 1] - 20) * shaft * look.vary(1, 0.06), tall[:, 1]
        )
        return tall * (look.vary(0, 0.06), 1.0)

    sketch.line(fit([(-55, -48), (-60, -63), (-52, -65), (-46, -50)]), Slot.BASE, 4, shade=-12)
    outline = fit(BOOT)
    sketch.cloth(
        np.concatenate([rounded(outline[:4], 2, closed=False), rounded(outline[4:], 2, closed=False)]), "body"
    )
    sketch.zone(outline[2:6], "hem")
    gore = fit([(-42, -50), (-6, -51), (-10, 4), (-22, 16), (-36, 4)])
    sketch.panel(gore, *((Slot.ACCENT, "trim") if trim == "gore" else (Slot.DARK,)))
    heel = fit([(-62, 80), (-20, 80), (-22, 102), (-60, 102)])
    sketch.panel(heel, *((Slot.ACCENT, "trim") if trim == "heel" else (Slot.DARK,)))
    sole = fit([(-63, 75), (96, 75), (99, 87), (-63, 87)])
    sketch.panel(sole, *((Slot.ACCENT, "trim") if trim == "sole" else (Slot.DARK,)))
    if look.get("closure") == "zip":
        line = fit([(5, -51), (6, 30)])
        sketch.line(line, Slot.DARK, 8, "closure")
        sketch.line(line, Slot.DETAIL, 4, "closure")
    elif look.get("closure") == "strap":
        sketch.panel(fit([(-62, 22), (22, 18), (30, 32), (-65, 37)]), Slot.BASE, "closure", shade=-10)
        sketch.patch(fit([(-2, 21), (12, 21), (12, 37), (-2, 37)]), Slot.DETAIL, "closure")
    else:
        sketch.zone(gore, "closure")
    return sketch


def draw_beanie(look: Look) -> Sketch:
    """Draw a knitted hat with a folded brim."""
    sketch = Sketch(focus=(0.0, 0.0))
    half = 82 * look.vary(1, 0.07)
    height = {"cropped": 78, "regular": 108, "slouchy": 146}[look.get("length", "regular")] * look.vary(
        0, 0.06
    )
    trim = look.get("trim")
    if trim == "pompom":
        angles = np.linspace(0, 2 * np.pi, 28, endpoint=False)
        radii = 27 + 3 * (np.arange(28) % 2)
        ball = np.stack([radii * np.cos(angles), 34 - height - 14 + radii * np.sin(angles)], axis=1)
        sketch.panel(ball, Slot.ACCENT, "trim")
    crown = rounded(
        symmetric(
            [(0, 34 - height), (half * 0.62, 34 - height), (half, 34 - height * 0.5), (half * 1.02, 64)]
        ),
        2,
    )
    sketch.cloth(crown, "body")
    sketch.zone(box(-half * 0.5, 34 - height, half * 0.5, 60 - height), "hem")
    fold = symmetric([(half + 2, 30), (half + 5, 72)])
    if trim == "fold":
        sketch.panel(fold, Slot.ACCENT, "trim")
    else:
        sketch.panel(fold, Slot.BASE, shade=-6)
    for x in np.linspace(-half * 0.88, half * 0.88, 13):
        sketch.line([(x, 33), (x * 1.03, 70)], Slot.ACCENT if trim == "fold" else Slot.BASE, 2.5, shade=-12)
    if look.get("pattern") == "graphic" and not look.back:
        for motif in look.motif((0.0, -6.0), 22.0):
            sketch.patch(motif, Slot.ACCENT, "graphic")
    return sketch
