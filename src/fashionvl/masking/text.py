"""Token masks for masked language modelling (MLM), after BERT."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fashionvl.errors import InputError

IGNORED_LABEL = -100


class Shares(Protocol):
    """What becomes of the chosen tokens."""

    @property
    def mask_share(self) -> float:
        """Share that becomes [MASK], in [0, 1]."""

    @property
    def random_share(self) -> float:
        """Share that becomes a random token, in [0, 1]."""


@dataclass(frozen=True)
class TextMask:
    """How captions are masked (MVLT Section 3.2; BERT Section 3.1).

    Attributes:
        ratio: Chance that a token is chosen, in [0, 1]; r_l = 0.15 in the paper.
        mask_share: Share of the chosen tokens that become [MASK], in [0, 1]; 0.8 in BERT.
        random_share: Share of the chosen tokens that become a random token, in [0, 1]; 0.1 in BERT. The rest
            stay as they are.

    Raises:
        InputError: If a value is outside its range; the message names the key.
    """

    ratio: float = 0.15
    mask_share: float = 0.8
    random_share: float = 0.1

    def __post_init__(self) -> None:
        check_shares(self, "text_mask")


def check_shares(spec: object, key: str) -> None:
    """Refuse a ratio or share outside [0, 1], and shares that add up to more than 1.

    Args:
        spec: has `ratio`, `mask_share` and `random_share`.
        key: what messages call it.

    Raises:
        InputError: If a value is outside its range; the message names the key.
    """
    values = {name: getattr(spec, name) for name in ("ratio", "mask_share", "random_share")}
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise InputError(f"{key}.{name}: {value} is outside [0, 1]")
    total = values["mask_share"] + values["random_share"]
    if total > 1 + 1e-9:
        raise InputError(f"{key}: mask_share + random_share = {total:g}; they add up to at most 1")


def mask_tokens(
    input_ids: np.ndarray,
    spec: TextMask,
    *,
    mask_id: int,
    special_ids: np.ndarray,
    vocab_size: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Mask one tokenised caption for MLM.

    Each token is chosen independently with chance `ratio`, special tokens never. When none was, one is drawn,
    so that every caption with an ordinary token adds to the loss (the released code leaves it unmasked).

    Args:
        input_ids: `[L]` int64, untouched.
        spec: Ratio and shares.
        mask_id: Id of [MASK].
        special_ids: Ids that are neither chosen nor drawn as replacement: [CLS], [SEP], [PAD], [MASK] ...
        vocab_size: Random replacements are drawn uniformly from `0 .. vocab_size - 1` without `special_ids`.
        rng: The same state gives the same masks.

    Returns:
        Masked ids `[L]` int64, and labels `[L]` int64: the original id where chosen, -100 elsewhere.
    """
    eligible = np.flatnonzero(~np.isin(input_ids, special_ids))
    if spec.ratio == 0 or len(eligible) == 0:
        return input_ids.copy(), np.full_like(input_ids, IGNORED_LABEL)
    chosen = eligible[rng.random(len(eligible)) < spec.ratio]
    if len(chosen) == 0:
        chosen = rng.choice(eligible, size=1)
    return corrupt(
        input_ids, chosen, spec, mask_id=mask_id, special_ids=special_ids, vocab_size=vocab_size, rng=rng
    )


def corrupt(
    input_ids: np.ndarray,
    chosen: np.ndarray,
    spec: Shares,
    *,
    mask_id: int,
    special_ids: np.ndarray,
    vocab_size: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Make [MASK], a random token, or nothing of each chosen token (BERT section 3.1).

    Args:
        input_ids: `[L]` int64, untouched.
        chosen: `[T]` int64 positions, each at most once.
        spec: The shares.
        mask_id: Id of [MASK].
        special_ids: Ids that are not drawn as replacement.
        vocab_size: Random replacements are drawn uniformly from `0 .. vocab_size - 1` without `special_ids`.
        rng: The same state gives the same tokens.

    Returns:
        Masked ids `[L]` int64, and labels `[L]` int64: the original id where chosen, -100 elsewhere.
    """
    masked_ids, labels = input_ids.copy(), np.full_like(input_ids, IGNORED_LABEL)
    labels[chosen] = input_ids[chosen]
    fate = rng.random(len(chosen))
    masked_ids[chosen[fate < spec.mask_share]] = mask_id
    replaced = chosen[(fate >= spec.mask_share) & (fate < spec.mask_share + spec.random_share)]
    masked_ids[replaced] = _ordinary_ids(len(replaced), special_ids, vocab_size, rng)
    return masked_ids, labels


def _ordinary_ids(
    count: int, special_ids: np.ndarray, vocab_size: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw ids uniformly from the vocabulary without the special ones.

    The r-th ordinary id is r plus the number of special ids before it, found without listing the vocabulary.
    """
    special = np.unique(special_ids)
    special = special[(special >= 0) & (special < vocab_size)]
    ranks = rng.integers(0, vocab_size - len(special), size=count)
    return ranks + np.searchsorted(special - np.arange(len(special)), ranks, side="right")
