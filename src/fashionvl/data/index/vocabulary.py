"""Ids of category and sub-category names."""

import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fashionvl.data.index.labels import CATEGORIES, SUBCATEGORIES
from fashionvl.data.index.text import FileLabels
from fashionvl.errors import InputError
from fashionvl.masking.text import IGNORED_LABEL

log = logging.getLogger(__name__)

LabelRule = Literal["fold", "strict"]
"""Rule for equal labels. strict: the same letters. fold: also names that differ in case or blanks; rows
whose name is empty or unseen in training are left out of recognition."""

UNLABELLED = IGNORED_LABEL
"""Id of an empty name. Names unseen in training have the ids below it, each its own, so that they can still
be told apart; as targets of recognition all of them are `IGNORED_LABEL`."""

SHOWN = 5
"""Names that a message lists."""


@dataclass(frozen=True)
class LabelVocabulary:
    """Names of one label in id order.

    Where the training file has a name of Fashion-Gen's, its official list comes first, so that heads fit the
    released weights; then come the names that only this file has, sorted.

    Attributes:
        field: category or subcategory.
        names: id = position.
        rule: what counts as one name.
    """

    field: str
    names: tuple[str, ...]
    rule: LabelRule = "strict"

    @classmethod
    def of_training(cls, labels: FileLabels, rule: LabelRule = "strict") -> "LabelVocabulary":
        """Build the vocabulary of a label of the training file.

        Of names that fold into one and are not in the official list, the one with most rows stands.
        """
        official = {"category": CATEGORIES, "subcategory": SUBCATEGORIES}[labels.field]
        if not set(official) & set(labels.names):
            official = ()
        if rule == "strict":
            return cls(labels.field, (*official, *sorted(set(labels.names) - set(official))), rule)
        counts = np.bincount(labels.code, minlength=len(labels.names))
        spellings = defaultdict(list)
        for name, count in zip(labels.names, counts.tolist(), strict=True):
            spellings[folded(name)].append((-count, name))
        for known in ("", *map(folded, official)):
            spellings.pop(known, None)
        own = sorted(min(found)[1] for found in spellings.values())
        return cls(labels.field, (*official, *own), rule)

    def ids(self, labels: FileLabels) -> np.ndarray:
        """`[N]` int64 ids of every row; with `fold`, negative where a row has no name of the vocabulary.

        What was folded is counted and named in one line of the log.

        Raises:
            InputError: the rule is strict and the file has a name the vocabulary lacks.
        """
        key = folded if self.rule == "fold" else str
        position = {key(name): number for number, name in reversed(list(enumerate(self.names)))}
        unseen: dict[str, int] = {}
        ids = []
        for number, name in enumerate(labels.names):
            if key(name) in position:
                ids.append(position[key(name)])
            elif self.rule == "strict":
                row = int(np.flatnonzero(labels.code == number)[0])
                raise InputError(
                    f"{labels.source}: {labels.place(row)} has {self.field} '{name}', which is neither in "
                    "the official list nor in the training file; correct the name, add the category to the "
                    "training file, or set data.init_args.labels to fold"
                )
            else:
                below = unseen.setdefault(key(name), len(unseen) + 1) if key(name) else 0
                ids.append(UNLABELLED - below)
        found = np.array(ids, np.int64)
        if self.rule == "fold":
            self._log(labels, found)
        return found[labels.code]

    def _log(self, labels: FileLabels, ids: np.ndarray) -> None:
        """One line of what differs from the vocabulary, with counts of rows; none where nothing does."""
        counts = np.bincount(labels.code, minlength=len(ids)).tolist()
        kinds: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for name, count, number in zip(labels.names, counts, ids.tolist(), strict=True):
            if number >= 0 and name != self.names[number]:
                kinds["spelled otherwise and folded"].append((f"{name!r} for {self.names[number]}", count))
            elif number == UNLABELLED:
                kinds["empty, left out of recognition"].append((repr(name), count))
            elif number < 0:
                kinds["unseen in training, left out of recognition"].append((repr(name), count))
        parts = []
        for kind, names in kinds.items():
            some = ", ".join(name for name, _ in names[:SHOWN]) + (" ..." if len(names) > SHOWN else "")
            parts.append(f"{sum(count for _, count in names)} rows {kind} ({some})")
        if parts:
            log.warning("%s: %s: %s", labels.source, self.field, "; ".join(parts))


def folded(name: str) -> str:
    """A name without its case, and with one blank for any run of them."""
    return " ".join(name.split()).casefold()


def as_targets(ids: np.ndarray) -> np.ndarray:
    """Ids as targets of recognition: `IGNORED_LABEL` where a row has no name of the vocabulary."""
    return np.maximum(ids, IGNORED_LABEL)
