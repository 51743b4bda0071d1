"""Token masks for masked language modelling (MLM), after BERT."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from fashionvl.errors import InputError

IGNORED_LABEL = -100


class Shares(Protocol):
    """Shares of the chosen tokens that are masked, randomised or kept."""

    @property
    def mask_share(self) -> float:
        """Share that becomes [MASK], in [0, 1]."""

    @property
    def random_share(self) -> float:
        """Share that becomes a random token, in [0, 1]."""


@dataclass(frozen=True)
class TextMask:
    """Settings for masking captions (MVLT Section 3.2; BERT Section 3.1).

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


@dataclass(frozen=True)
class Words:
    """The ids of a tokenizer that masking needs.

    Attributes:
        mask_id: Id of [MASK]; None without one, where no token is to become [MASK].
        special_ids: Ids that are neither chosen nor drawn as replacement: [CLS], [SEP], [PAD], [MASK] ...
        size: Random replacements are drawn uniformly from `0 .. size - 1` without `special_ids`.
    """

    mask_id: int | None
    special_ids: np.ndarray
    size: int

    @cached_property
    def _special(self) -> np.ndarray:
        special = np.unique(self.special_ids)
        return special[(special >= 0) & (special < self.size)]

    @cached_property
    def _special_before(self) -> np.ndarray:
        """Number of ordinary ids before each special id."""
        return self._special - np.arange(len(self._special))

    @cached_property
    def _ordinary(self) -> np.ndarray:
        """Mask `[size]` bool, True for ordinary ids."""
        ordinary = np.ones(self.size, bool)
        ordinary[self._special] = False
        return ordinary

    def ordinary(self, ids: np.ndarray) -> np.ndarray:
        """Mark the ids, each in `0 .. size - 1`, that are not special: bool of the same shape."""
        return self._ordinary[ids]

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """`[count]` ordinary ids, drawn uniformly.

        The r-th ordinary id is r plus the number of special ids before it, found without listing the
        vocabulary.
        """
        ranks = rng.integers(0, self.size - len(self._special), size=count)
        return ranks + np.searchsorted(self._special_before, ranks, side="right")


def mask_tokens(
    input_ids: np.ndarray,
    attention: np.ndarray,
    spec: TextMask,
    words: Words,
    rngs: Sequence[np.random.Generator],
) -> tuple[np.ndarray, np.ndarray]:
    """Mask tokenised captions for MLM.

    Each token is chosen independently with chance `ratio`, special tokens and padding never. When none of a
    caption was, one is drawn, so that every caption with an ordinary token adds to the loss (the released
    code leaves it unmasked). What becomes of a caption does not depend on the others.

    Args:
        input_ids: `[B, L]` int64, untouched.
        attention: `[B, L]` bool, False on padding, whatever its id.
        spec: Ratio and shares.
        words: The tokenizer's ids.
        rngs: One a caption; the same state gives the same masks.

    Returns:
        Masked ids `[B, L]` int64, and labels `[B, L]` int64: the original id where chosen, -100 elsewhere.
    """
    if spec.ratio == 0:
        return input_ids.copy(), np.full_like(input_ids, IGNORED_LABEL)
    eligible = words.ordinary(input_ids) & attention
    chosen, counts = eligible.copy(), eligible.sum(axis=1).tolist()
    # Row by row, as the captions' tokens stand one after the other under a mask.
    chosen[chosen] = _each(rngs, counts) < spec.ratio
    for line in np.flatnonzero(~chosen.any(axis=1) & (np.array(counts) > 0)).tolist():
        chosen[line, rngs[line].choice(np.flatnonzero(eligible[line]), size=1)] = True
    return corrupt(input_ids, chosen, spec, words, rngs)


def corrupt(
    input_ids: np.ndarray,
    chosen: np.ndarray,
    spec: Shares,
    words: Words,
    rngs: Sequence[np.random.Generator],
) -> tuple[np.ndarray, np.ndarray]:
    """Make [MASK], a random token, or nothing of each chosen token (BERT section 3.1).

    Args:
        input_ids: `[B, L]` int64, untouched.
        chosen: `[B, L]` bool.
        spec: The shares.
        words: The tokenizer's ids.
        rngs: One a caption; the same state gives the same tokens.

    Returns:
        Masked ids `[B, L]` int64, and labels `[B, L]` int64: the original id where chosen, -100 elsewhere.
    """
    masked_ids, labels = input_ids.copy(), np.where(chosen, input_ids, IGNORED_LABEL)
    fate = np.ones(chosen.shape)
    fate[chosen] = _each(rngs, chosen.sum(axis=1).tolist())
    if words.mask_id is not None:
        masked_ids[chosen & (fate < spec.mask_share)] = words.mask_id
    replaced = chosen & (fate >= spec.mask_share) & (fate < spec.mask_share + spec.random_share)
    counts = replaced.sum(axis=1)
    if counts.any():
        drawn = [words.draw(count, rng) for count, rng in zip(counts.tolist(), rngs, strict=True) if count]
        masked_ids[replaced] = np.concatenate(drawn)
    return masked_ids, labels


def _each(rngs: Sequence[np.random.Generator], counts: Sequence[int]) -> np.ndarray:
    """Draw `counts[i]` numbers in [0, 1) from generator i, one after the other: `[sum(counts)]`."""
    drawn = np.empty(sum(counts))
    start = 0
    for rng, count in zip(rngs, counts, strict=True):
        rng.random(out=drawn[start : start + count])
        start += count
    return drawn
