"""Training and validation rows of one table."""

from collections.abc import Hashable, Sequence

import numpy as np

from fashionvl.data.catalogue import Split
from fashionvl.data.readers.table.products import Products
from fashionvl.data.readers.table.rows import RowDefect
from fashionvl.data.readers.table.settings import KEY, Settings
from fashionvl.errors import InputError


def sets_of(products: Products, settings: Settings) -> np.ndarray:
    """Number `[N]` int64 the sets of rows that must stay together.

    A product; with `captions_together` a caption; with `group` a near-duplicate group; and whatever these
    connect.
    """
    return components(_bonds(products, settings))


def split_rows(products: Products, together: np.ndarray, settings: Settings) -> dict[Split, np.ndarray]:
    """Rows `[M]` int64 of each split, ascending.

    From the split column where there is one. Otherwise what must stay together is shuffled by the seed and
    goes to validation until that has its share of the rows.

    Args:
        products: the rows.
        together: as `sets_of` gives it.
        settings: of the table.

    Raises:
        InputError: the column puts what must stay together on both sides, or one side has no row.
    """
    if products.split is None:
        share, seed = settings.table.validation_share or 0.0, settings.table.seed or 0
        in_validation = draw(together, share, seed)
    else:
        names = {name.casefold() for name in settings.table.validation or ()}
        in_validation = np.array([name.casefold() in names for name in products.split], bool)
        _check_together(products, together, in_validation, settings)
    rows: dict[Split, np.ndarray] = {
        "train": np.flatnonzero(~in_validation),
        "validation": np.flatnonzero(in_validation),
    }
    for split, found in rows.items():
        if not len(found):
            raise InputError(f"{settings.file}: no usable row for {split}; a catalogue needs both splits")
    return rows


def unknown_splits(products: Products, settings: Settings) -> list[RowDefect]:
    """Rows whose split column says neither training nor validation."""
    if products.split is None:
        return []
    column = settings.table.split or "split"
    known = {name.casefold() for name in [*(settings.table.train or ()), *(settings.table.validation or ())]}
    kind = f"neither in {KEY}.train nor in {KEY}.validation"
    return [
        RowDefect(settings.file, int(line), column, kind, name or "empty")
        for line, name in zip(products.line, products.split, strict=True)
        if name.casefold() not in known
    ]


def _bonds(products: Products, settings: Settings) -> list[Sequence[Hashable]]:
    """List, by kind, the values that keep rows of equal ones in one split; None where a row has none."""
    bonds: list[Sequence[Hashable]] = [products.columns.product_id.tolist()]
    if settings.table.captions_together:
        bonds.append([caption.casefold() for caption in products.columns.caption])
    if products.group is not None:
        bonds.append([group or None for group in products.group])
    return bonds


def components(bonds: Sequence[Sequence[Hashable]]) -> np.ndarray:
    """Number the sets of rows that bonds connect.

    Args:
        bonds: K sequences of N values; rows with an equal value in one of them are connected, None connects
            nothing.

    Returns:
        `[N]` int64, counted in the order of first appearance.
    """
    parent = list(range(len(bonds[0])))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for values in bonds:
        first: dict[Hashable, int] = {}
        for row, value in enumerate(values):
            if value is not None:
                one, other = sorted((root(row), root(first.setdefault(value, row))))
                parent[other] = one
    _, number = np.unique([root(row) for row in range(len(parent))], return_inverse=True)
    return number.astype(np.int64)


def draw(together: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Draw validation rows.

    Args:
        together: `[N]` which set a row belongs to.
        share: of the rows; sets are added while they fit into it, at least one is, and one never is.
        seed: of the shuffle.

    Returns:
        `[N]` bool.
    """
    sizes = np.bincount(together)
    left = round(share * len(together))
    chosen = np.zeros(len(sizes), bool)
    order = np.random.default_rng([seed, 3]).permutation(len(sizes))
    for number in order[:-1]:
        if sizes[number] <= left:
            chosen[number] = True
            left -= sizes[number]
    if not chosen.any() and len(sizes) > 1:
        chosen[np.argmin(sizes)] = True
    return chosen[together]


def _check_together(
    products: Products, together: np.ndarray, in_validation: np.ndarray, settings: Settings
) -> None:
    both = np.intersect1d(together[in_validation], together[~in_validation])
    if len(both):
        rows = np.flatnonzero(together == both[0])
        one, other = (int(products.line[rows[in_validation[rows] == side][0]]) for side in (False, True))
        what = "product"
        what += ", caption" if settings.table.captions_together else ""
        what += " or group" if products.group is not None else ""
        raise InputError(
            f"{settings.file}: {len(both)} times a {what} is in both splits, first lines {one} and {other}; "
            f"correct the split column, or set {KEY}.captions_together and .group to what it keeps together"
        )
