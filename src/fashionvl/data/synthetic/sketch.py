"""A garment as flat outlines, before any pixel.

Design space is a 256-unit frame with its origin in the middle, x to the right and y down. What is drawn later
lies on top.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

Point = tuple[float, float]
Points = np.ndarray
Outline = Iterable[Point] | Iterable[np.ndarray] | np.ndarray
"""Anything that lists points."""


class Slot(IntEnum):
    """Index of a product's four paints."""

    BASE = 0
    ACCENT = 1
    DETAIL = 2
    DARK = 3


@dataclass(frozen=True, slots=True)
class Shape:
    """One filled outline or line.

    Attributes:
        points: `[P, 2]` float, design units.
        slot: its paint.
        shade: shading levels added to the cloth's own (one level is 1.2 % of brightness).
        patterned: whether the product's pattern runs over it.
        width: line width in design units; 0 fills the outline.
    """

    points: Points
    slot: Slot
    shade: int = 0
    patterned: bool = False
    width: float = 0.0


@dataclass
class Sketch:
    """The shapes of one garment seen from one side, and where its attributes are.

    Attributes:
        shapes: outlined shapes, back to front.
        details: shapes without an outline, on top of all others.
        zones: what the attribute regions are measured from: lists of `[P, 2]` points for each zone name.
        focus: the point a close-up looks at.
    """

    shapes: list[Shape] = field(default_factory=list)
    details: list[Shape] = field(default_factory=list)
    zones: dict[str, list[Points]] = field(default_factory=dict)
    focus: Point = (0.0, 0.0)

    def cloth(self, points: Outline, *zones: str, shade: int = 0) -> None:
        """A panel of the garment's own fabric, pattern included."""
        self._add(self.shapes, Shape(_array(points), Slot.BASE, shade, patterned=True), zones)

    def panel(self, points: Outline, slot: Slot, *zones: str, shade: int = 0) -> None:
        """A plain panel: trim, lining, sole."""
        self._add(self.shapes, Shape(_array(points), slot, shade), zones)

    def patch(self, points: Outline, slot: Slot, *zones: str, shade: int = 0) -> None:
        """A plain shape on top of everything, without an outline: a print, a button."""
        self._add(self.details, Shape(_array(points), slot, shade), zones)

    def line(self, points: Outline, slot: Slot, width: float, *zones: str, shade: int = 0) -> None:
        """A line on top of everything: a seam, a lace, a zip."""
        self._add(self.details, Shape(_array(points), slot, shade, width=width), zones)

    def dot(self, centre: Point, radius: float, slot: Slot, *zones: str) -> None:
        """A button or a dot of print."""
        self.patch(np.asarray(centre) + radius * _CIRCLE, slot, *zones)

    def zone(self, points: Outline, *zones: str) -> None:
        """Name an area without painting it."""
        for name in zones:
            self.zones.setdefault(name, []).append(_array(points))

    def _add(self, layer: list[Shape], shape: Shape, zones: tuple[str, ...]) -> None:
        layer.append(shape)
        self.zone(shape.points, *zones)


_ANGLES = np.linspace(0, 2 * np.pi, 12, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


def _array(points: Outline) -> Points:
    return np.asarray(points if isinstance(points, np.ndarray) else list(points), dtype=np.float64)


def mirrored(points: Outline) -> Points:
    """The same outline on the other side of the garment's axis."""
    return _array(points) * (-1.0, 1.0)


def symmetric(right: Outline) -> Points:
    """A closed outline from its right half, listed from the top of the axis to the bottom."""
    half = _array(right)
    return np.concatenate([half, mirrored(half)[::-1]])


def box(left: float, top: float, right: float, bottom: float) -> Points:
    """An upright rectangle."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=np.float64)


def rounded(points: Outline, rounds: int = 2, closed: bool = True) -> Points:
    """Cut corners (Chaikin 1974): each round replaces a corner by points at 1/4 and 3/4 of its edges."""
    corners = _array(points)
    for _ in range(rounds):
        ends = np.roll(corners, -1, axis=0) if closed else corners[1:]
        starts = corners if closed else corners[:-1]
        cut = np.stack([0.75 * starts + 0.25 * ends, 0.25 * starts + 0.75 * ends], axis=1).reshape(-1, 2)
        corners = cut if closed else np.concatenate([corners[:1], cut, corners[-1:]])
    return corners


def along(start: Point, end: Point, count: int, margin: float = 0.0) -> Points:
    """`count` evenly spaced points between two ends, a share `margin` of the way kept free on both sides."""
    steps = np.linspace(margin, 1 - margin, count)[:, None]
    return (1 - steps) * np.asarray(start) + steps * np.asarray(end)
