"""Train, dev and test: dev is carved from the training file, the official validation file is the test."""

import numpy as np

from fashionvl.data.readers.table.splitting import draw
from fashionvl.errors import InputError


def carve_dev(
    product_id: np.ndarray, share: float, seed: int, together: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of train and of dev; no product is in both.

    The public Fashion-Gen has no third split, and the released MVLT code picks its best epoch on the split it
    reports; a dev split keeps that choice away from the test.

    Args:
        product_id: `[N]` of the training file.
        share: of the products, in [0, 1); at least one product goes to dev when positive.
        seed: of the draw.
        together: `[N]` sets of products whose rows belong in one split, such as near-duplicates; where sets
            hold several products, the share is of the rows. None: each product is a set.

    Raises:
        InputError: the share leaves no training product.
    """
    products = np.unique(product_id)
    sets, set_of_row = np.unique(product_id if together is None else together, return_inverse=True)
    if not 0 <= share < 1 or (share > 0 and len(sets) < 2):
        of = f"{len(products)} products" + (" that stay together" if len(sets) < len(products) else "")
        raise InputError(f"data.dev_share: {share} of {of} leaves nothing to train on; 0 carves no dev split")
    if share and len(sets) < len(products):
        in_dev = draw(set_of_row, share, seed)
        return np.flatnonzero(~in_dev), np.flatnonzero(in_dev)
    count = min(max(1, round(share * len(products))), len(products) - 1) if share else 0
    dev = np.random.default_rng([seed, 1]).choice(products, count, replace=False)
    in_dev = np.isin(product_id, dev)
    return np.flatnonzero(~in_dev), np.flatnonzero(in_dev)


def check_disjoint(train: np.ndarray, test: np.ndarray, names: tuple[str, str]) -> None:
    """Refuse files that share products.

    Args:
        train: product ids of one file.
        test: product ids of the other.
        names: how to call the two.

    Raises:
        InputError: naming how many products and one of them.
    """
    shared = np.intersect1d(train, test)
    if len(shared):
        raise InputError(
            f"{names[0]} and {names[1]} share {len(shared)} products, {shared[0]} for one; "
            "a product must be in one split only"
        )
