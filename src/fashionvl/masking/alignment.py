"""Alignment guided masking (AGM, Kaleido-BERT section 3.4): pre-aligned tokens and patches come first."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fashionvl.errors import InputError
from fashionvl.masking.text import check_shares

Mode = Literal["aligned", "random"]


@dataclass(frozen=True)
class AlignmentGuidedMask:
    """Settings for masking captions and patches together (Kaleido-BERT sections 3.4 and 3.6, task 1).

    Attributes:
        mode: `aligned` visits pre-aligned pairs first; `random` knows no pairs, the ablation of Table 4.
        ratio: Share of the ordinary tokens that is chosen, in [0, 1]; 0.15 as in BERT.
        most: Tokens chosen at most; 10 positions in the released input schema.
        mask_share: Share of the chosen tokens that become [MASK], in [0, 1]; 0.8 in the paper.
        random_share: Share of the chosen tokens that become a random token, in [0, 1]; 0.1 in the paper. The
            rest stay as they are.

    Raises:
        InputError: If a value is outside its range; the message names the key.
    """

    mode: Mode = "aligned"
    ratio: float = 0.15
    most: int = 10
    mask_share: float = 0.8
    random_share: float = 0.1

    def __post_init__(self) -> None:
        check_shares(self, "alignment_mask")
        if self.mode not in ("aligned", "random"):
            raise InputError(f"alignment_mask.mode: {self.mode!r}; use aligned or random")
        if self.most < 1:
            raise InputError(f"alignment_mask.most: {self.most}; at least 1")

    def quota(self, eligible: int) -> int:
        """Return the number of a caption's ordinary tokens to choose.

        BERT's rule (`create_masked_lm_predictions`, which the released code carries too): the rounded share,
        at least one, at most `most`. BERT takes the share of [CLS] and [SEP] as well.
        """
        if self.ratio == 0 or eligible == 0:
            return 0
        return min(self.most, max(1, round(self.ratio * eligible)))


@dataclass(frozen=True)
class Chosen:
    """Masked tokens and patches of one pair.

    Attributes:
        tokens: `[T]` int64 positions in the caption, ascending.
        patches: `[n]` int64 patches of each level, 0 .. level^2 - 1, ascending.
    """

    tokens: np.ndarray
    patches: dict[int, np.ndarray]


def choose(
    pairs: np.ndarray,
    eligible: np.ndarray,
    quota: int,
    quotas: Mapping[int, int],
    rng: np.random.Generator,
    mode: Mode = "aligned",
) -> Chosen:
    """Choose tokens and patches of one image-text pair (Kaleido-BERT section 3.4).

    Pairs are visited in random order. Of each, token or patch is chosen by the toss of a coin, or the one
    whose quota has room; never both, also not by way of two other pairs that share one side each. "When all
    pre-alignment pairs are traversed and not enough tokens or patches are selected", tokens and patches of no
    pair fill the quotas at random, and only then those of pairs. Without pairs this is random masking.

    Args:
        pairs: `[K, 3]` int64 rows of token position, level, patch in the level. Rows whose token is not
            eligible or whose level has no quota count for nothing.
        eligible: `[E]` int64 positions that may be chosen.
        quota: Tokens to choose; all of them when there are fewer.
        quotas: Patches to choose of each level; 1, 2 and 3 of levels 3, 4 and 5 in the paper.
        rng: The same state gives the same choice.
        mode: `random` leaves the pairs out.

    Raises:
        InputError: If a level has fewer patches than its quota.
    """
    for level, count in quotas.items():
        if not 0 <= count <= level**2:
            raise InputError(f"masked patches of level {level}: {count}; the level has {level**2} patches")
    known = set(eligible.tolist())
    found = [(token, level, patch) for token, level, patch in pairs.tolist() if token in known]
    if mode == "random":
        found = []
    aligned = _Aligned([pair for pair in found if pair[1] in quotas], quota, quotas)
    for index in rng.permutation(len(aligned.pairs)):
        aligned.visit(int(index), rng)
    taken = {token for token, _, _ in aligned.pairs}
    tokens = _fill(aligned.tokens, taken, eligible, quota, rng)
    patches = {}
    for level, count in quotas.items():
        taken = {patch for _, other, patch in aligned.pairs if other == level}
        chosen = {patch for other, patch in aligned.patches if other == level}
        patches[level] = _fill(chosen, taken, np.arange(level**2), count, rng)
    return Chosen(tokens, patches)


class _Aligned:
    """Choice among pre-aligned pairs, of each of which at most one side is chosen."""

    def __init__(self, pairs: list[tuple[int, int, int]], quota: int, quotas: Mapping[int, int]) -> None:
        self.pairs = pairs
        self.tokens: set[int] = set()
        self.patches: set[tuple[int, int]] = set()
        self._room, self._rooms = quota, dict(quotas)
        self._patches_of: dict[int, set[tuple[int, int]]] = defaultdict(set)
        self._tokens_of: dict[tuple[int, int], set[int]] = defaultdict(set)
        for token, level, patch in pairs:
            self._patches_of[token].add((level, patch))
            self._tokens_of[level, patch].add(token)

    def visit(self, index: int, rng: np.random.Generator) -> None:
        """Choose one side of a pair, when neither is chosen yet and one can be."""
        token, level, number = self.pairs[index]
        patch = (level, number)
        if token in self.tokens or patch in self.patches:
            return
        token_free = self._room > 0 and not self._patches_of[token] & self.patches
        patch_free = self._rooms[level] > 0 and not self._tokens_of[patch] & self.tokens
        if token_free and (not patch_free or rng.random() < 0.5):
            self.tokens.add(token)
            self._room -= 1
        elif patch_free:
            self.patches.add(patch)
            self._rooms[level] -= 1


def _fill(
    chosen: set[int], aligned: set[int], every: np.ndarray, quota: int, rng: np.random.Generator
) -> np.ndarray:
    """Fill up to the quota: first with what no pair holds, then with anything."""
    shuffled = rng.permutation(every).tolist()
    rest = [item for item in shuffled if item not in chosen and item not in aligned]
    missing = quota - len(chosen)
    if len(rest) < missing:
        rest += [item for item in shuffled if item in aligned and item not in chosen]
    return np.array(sorted([*chosen, *rest[:missing]]), np.int64)
