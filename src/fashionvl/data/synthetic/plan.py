"""Sub-category, split and attribute values of each product, pure functions of (seed, index)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import floor

import numpy as np

from fashionvl.data.synthetic.attributes import COLOURS, contrast
from fashionvl.data.synthetic.kinds import KINDS, Kind
from fashionvl.errors import InputError

TWIN_EVERY = 3
"""One product in so many copies the one before it and changes one attribute: two thirds have a near-twin."""

UNADORNED_SHARE = 0.6
"""Chance that a product is solid, and that its trim is plain, before its own draw; most of Fashion-Gen is."""

UNADORNED = {"pattern": "solid", "trim": "plain"}

MIN_CONTRAST = 105.0
"""Least sRGB distance between a product's colour and its second colour."""

VIEW_SHARES = (0.20, 0.36, 0.26, 0.12, 0.04, 0.02)
"""Shares of products with 1 to 6 views; 2.5 views in the mean."""

VIEWS = ("front", "back", "side", "three-quarter", "detail", "styled")


@dataclass(frozen=True)
class Product:
    """One product.

    Attributes:
        index: position in the catalogue; also the seed of everything about it.
        kind: its sub-category.
        validation: True when it belongs to the validation file.
        attributes: value of each attribute that applies to it.
        twin_of: index of the product it differs from in one attribute, or None.
        views: the photographs, the front first.
    """

    index: int
    kind: Kind
    validation: bool
    attributes: Mapping[str, str]
    twin_of: int | None
    views: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """A catalogue before it is drawn; `plan[i]` depends on nothing but the seed, the share and i.

    Sub-categories take turns by index, and within each the validation products are spread evenly, so the
    counts of two sub-categories differ by at most two in either split.

    Raises:
        InputError: `products` or `validation_share` is out of range, or leaves a split empty.
    """

    products: int
    seed: int
    validation_share: float

    def __post_init__(self) -> None:
        if self.products < 1:
            raise InputError(f"products: {self.products} is not a catalogue; give at least 1")
        if not 0 < self.validation_share < 1:
            raise InputError(f"validation_share: {self.validation_share} is outside (0, 1)")
        if self.seed < 0:
            raise InputError(f"seed: {self.seed} is negative; give 0 or more")
        if len({self.is_validation(index) for index in range(self.products)}) < 2:
            raise InputError(
                f"products: {self.products} with validation_share {self.validation_share} leave one split"
                f" empty; give at least {2 * len(KINDS)} products or a share nearer to 0.5"
            )

    def is_validation(self, index: int) -> bool:
        """Return whether product `index` belongs to the validation file."""
        kind, ordinal = index % len(KINDS), index // len(KINDS)
        return self._validation_before(kind, ordinal + 1) > self._validation_before(kind, ordinal)

    def __getitem__(self, index: int) -> Product:
        parent = self._parent(index)
        kind = KINDS[index % len(KINDS)]
        rng = np.random.default_rng([self.seed, index])
        own = _draw(kind, rng)
        attributes = own if parent is None else _change_one(kind, self[parent].attributes, rng)
        return Product(index, kind, self.is_validation(index), attributes, parent, _views(rng))

    def _validation_before(self, kind: int, ordinal: int) -> int:
        # The phase spreads the first validation product of each sub-category: small catalogues have some too.
        phase = (kind * 7 % len(KINDS)) / len(KINDS)
        return floor(ordinal * self.validation_share + phase)

    def _parent(self, index: int) -> int | None:
        kind, ordinal = index % len(KINDS), index // len(KINDS)
        before = self._validation_before(kind, ordinal)
        rank = before if self.is_validation(index) else ordinal - before
        if rank % TWIN_EVERY != TWIN_EVERY - 1:
            return None
        parent = index - len(KINDS)
        while self.is_validation(parent) != self.is_validation(index):
            parent -= len(KINDS)
        return parent


def _pick(rng: np.random.Generator, values: tuple[str, ...]) -> str:
    return values[int(rng.integers(len(values)))]


@lru_cache
def _contrasting(colour: str) -> tuple[str, ...]:
    return tuple(other for other in COLOURS if contrast(colour, other) >= MIN_CONTRAST)


def _draw(kind: Kind, rng: np.random.Generator) -> dict[str, str]:
    attributes = {"colour": _pick(rng, tuple(COLOURS))}
    attributes |= {name: _pick(rng, values) for name, values in kind.choices.items()}
    attributes |= {name: value for name, value in UNADORNED.items() if rng.random() < UNADORNED_SHARE}
    if _clash(attributes):
        attributes["trim"] = "plain"
    if _needs_second(attributes):
        attributes["secondary"] = _pick(rng, _contrasting(attributes["colour"]))
    return attributes


_CLASHES = (
    ("sleeve", "sleeveless", "cuffs"),
    ("collar", "hood", "collar"),
    ("pattern", "graphic", "pocket"),
)


def _clash(attributes: Mapping[str, str]) -> bool:
    """Return whether the trim is impossible: cuffs without sleeves, or a pocket where the print is."""
    return any(attributes.get(name) == value and attributes["trim"] == trim for name, value, trim in _CLASHES)


def _needs_second(attributes: Mapping[str, str]) -> bool:
    return attributes["pattern"] != "solid" or attributes["trim"] != "plain"


def _change_one(kind: Kind, parent: Mapping[str, str], rng: np.random.Generator) -> dict[str, str]:
    """The parent's attributes with exactly one changed, the result still a garment that can be drawn."""
    options = [
        changed
        for name in parent
        for value in (tuple(COLOURS) if name in ("colour", "secondary") else sorted(set(kind.choices[name])))
        if value != parent[name] and _is_coherent(changed := {**parent, name: value})
    ]
    names = sorted({_difference(parent, option) for option in options})
    name = _pick(rng, tuple(names))
    same = [option for option in options if _difference(parent, option) == name]
    return same[int(rng.integers(len(same)))]


def _difference(first: Mapping[str, str], second: Mapping[str, str]) -> str:
    return next(name for name in first if first[name] != second[name])


def _is_coherent(attributes: Mapping[str, str]) -> bool:
    if _needs_second(attributes) != ("secondary" in attributes):
        return False
    if _clash(attributes):
        return False
    return "secondary" not in attributes or attributes["secondary"] in _contrasting(attributes["colour"])


def _views(rng: np.random.Generator) -> tuple[str, ...]:
    count = 1 + int(rng.choice(len(VIEW_SHARES), p=VIEW_SHARES))
    others = sorted(rng.permutation(len(VIEWS) - 1)[: count - 1])
    return (VIEWS[0], *(VIEWS[1 + int(k)] for k in others))
