"""Train, dev and test: dev is carved from the training file, the official validation file is the test."""

import numpy as np

from fashionvl.errors import InputError


def carve_dev(product_id: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of train and of dev; no product is in both.

    The public Fashion-Gen has no third split, and the released MVLT code picks its best epoch on the split it
    reports; a dev split keeps that choice away from the test.

    Args:
        product_id: `[N]` of the training file.
        share: of the products, in [0, 1); at least one product goes to dev when positive.
        seed: of the draw.

    Raises:
        InputError: the share leaves no training product.
    """
    products = np.unique(product_id)
    if not 0 <= share < 1 or (share > 0 and len(products) < 2):
        raise InputError(f"data.dev_share: {share} of {len(products)} products leaves nothing to train on")
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
