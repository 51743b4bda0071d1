"""Retrieval candidates: one positive among negatives of the same sub-category, one draw for every model.

Protocol: MVLT section 3.3, tasks 1 and 2, and Kaleido-BERT section 4.3 (1 positive, 100 negatives, same
sub-category). The released lists and their sampler are not public, so ours are drawn from a seed, saved and
fingerprinted.
"""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from fashionvl.data.index.vocabulary import UNLABELLED
from fashionvl.errors import InputError
from fashionvl.files.whole import whole_folder

Direction = Literal["tir", "itr"]
"""tir: a text query ranks images. itr: an image query ranks texts."""

SOURCES = ("subcategory", "category", "anywhere")
"""Pools that a negative may come from, nearest to the query first."""


@dataclass(frozen=True)
class CandidateSet:
    """The queries of one direction with their candidates, as rows of the test split.

    Attributes:
        direction: tir or itr.
        query_rows: `[Q]` int64.
        candidate_rows: `[Q, C]` int64, the positive among them.
        positive: `[Q]` int64, the column of the positive.
        negatives_from: how many negatives came from the same sub-category, from the category, from anywhere.
        own_caption: how many `queries` meet their own caption among their negatives, and how many
            `negatives` carry it; empty where that was not counted.
    """

    direction: Direction
    query_rows: np.ndarray
    candidate_rows: np.ndarray
    positive: np.ndarray
    negatives_from: dict[str, int]
    own_caption: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.query_rows)

    @property
    def fingerprint(self) -> str:
        """Hash of direction and rows: two models met the same candidates exactly when these agree."""
        digest = hashlib.sha256(self.direction.encode())
        for array in (self.query_rows, self.candidate_rows, self.positive):
            digest.update(np.ascontiguousarray(array, np.int64).tobytes())
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write `rows.npz` and a readable `summary.json`."""
        with whole_folder(folder) as scratch:
            np.savez(
                scratch / "rows.npz",
                query=self.query_rows,
                candidates=self.candidate_rows,
                positive=self.positive,
            )
            summary = {
                "direction": self.direction,
                "queries": len(self),
                "candidates": self.candidate_rows.shape[1],
                "negatives_from": self.negatives_from,
                "own_caption": self.own_caption,
                "fingerprint": self.fingerprint,
            }
            (scratch / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path) -> "CandidateSet":
        """Read what `save` wrote.

        Raises:
            InputError: the rows do not match the recorded fingerprint.
        """
        summary = json.loads((folder / "summary.json").read_text())
        with np.load(folder / "rows.npz") as rows:
            found = cls(
                summary["direction"],
                rows["query"],
                rows["candidates"],
                rows["positive"],
                summary["negatives_from"],
                summary.get("own_caption", {}),
            )
        if found.fingerprint != summary["fingerprint"]:
            raise InputError(
                f"{folder}: candidates differ from their recorded fingerprint; delete the folder"
            )
        return found

    def counted(self, caption_of_row: np.ndarray) -> "CandidateSet":
        """The same with `own_caption` counted, given each row's caption as a number `[N]`."""
        own = caption_of_row[self.candidate_rows] == caption_of_row[self.query_rows][:, None]
        own[np.arange(len(self)), self.positive] = False
        counts = {"queries": int(own.any(axis=1).sum()), "negatives": int(own.sum())}
        return replace(self, own_caption=counts)


def draw_candidates(
    direction: Direction,
    product_id: np.ndarray,
    category: np.ndarray,
    subcategory: np.ndarray,
    queries: int = 1000,
    negatives: int = 100,
    seed: int = 0,
    caption_of_row: np.ndarray | None = None,
) -> CandidateSet:
    """Draw queries and, for each, candidates of distinct other products.

    Queries are distinct rows, at most one a product while products last. A sub-category with too few other
    products is filled up from its category, then from anywhere; with too few products in all, every candidate
    list is shorter. The positive's column is random, so that a ranking which favours a position shows.

    Args:
        direction: tir or itr; each has its own draw.
        product_id: `[N]` of the split, likewise `category` and `subcategory`.
        category: `[N]` codes; `UNLABELLED` is no category.
        subcategory: `[N]` codes, likewise.
        queries: how many queries, 1,000 in both papers.
        negatives: negatives a query, 100 in both papers.
        seed: of the draw.
        caption_of_row: `[N]` captions as numbers, where negatives with the query's own are to be kept out;
            None lets them in.

    Raises:
        InputError: fewer than two products, or captions, for some query.
    """
    products, first_row, counts = np.unique(product_id, return_index=True, return_counts=True)
    if len(products) < 2:
        raise InputError(f"retrieval needs at least two products in the test split; it has {len(products)}")
    # Rows of a product are not assumed contiguous here: the MVLT layout sorts by file name.
    rows_by_product = np.split(np.argsort(product_id, kind="stable"), np.cumsum(counts)[:-1])
    groups = {"subcategory": subcategory[first_row], "category": category[first_row]}
    rng = np.random.default_rng([seed, ("tir", "itr").index(direction)])
    came_from = dict.fromkeys(SOURCES, 0)
    chosen = _choose_queries(rows_by_product, min(queries, len(product_id)), rng)
    lenders = _Lenders(rows_by_product, caption_of_row)
    width = min(negatives, *(len(products) - 1 - len(lenders.without(own, row)) for own, row in chosen))
    if width < 1:
        raise InputError("retrieval: some query's caption is that of every other product in the test split")
    table = np.empty((len(chosen), width + 1), np.int64)
    positive = rng.integers(width + 1, size=len(chosen))
    for query, (own, row) in enumerate(chosen):
        taken = np.zeros(len(products), bool)
        taken[[own, *lenders.without(own, row)]] = True
        others = _other_products(own, taken, groups, width, rng, came_from)
        rows = [rng.choice(lenders.rows(other, row)) for other in others]
        rows.insert(positive[query], row)
        table[query] = rows
    query_rows = np.array([row for _, row in chosen], np.int64)
    return CandidateSet(direction, query_rows, table, positive.astype(np.int64), came_from)


class _Lenders:
    """Lookup of the rows of each product that may serve as negatives of a query."""

    def __init__(self, rows_by_product: list[np.ndarray], caption_of_row: np.ndarray | None) -> None:
        self._rows, self._captions = rows_by_product, caption_of_row
        self._only: dict[int, list[int]] = defaultdict(list)
        if caption_of_row is not None:
            for product, rows in enumerate(rows_by_product):
                if (caption_of_row[rows] == caption_of_row[rows[0]]).all():
                    self._only[int(caption_of_row[rows[0]])].append(product)

    def without(self, own: int, row: int) -> list[int]:
        """Products other than `own` of which no row may be, for the query of `row`."""
        if self._captions is None:
            return []
        return [product for product in self._only.get(int(self._captions[row]), []) if product != own]

    def rows(self, product: int, row: int) -> np.ndarray:
        """Rows of a product that may be."""
        rows = self._rows[product]
        return rows if self._captions is None else rows[self._captions[rows] != self._captions[row]]


def _choose_queries(
    rows_by_product: list[np.ndarray], queries: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """`queries` pairs of product number and row: a new product each time, round after round."""
    shuffled = [rng.permutation(rows) for rows in rows_by_product]
    chosen: list[tuple[int, int]] = []
    round_ = 0
    while len(chosen) < queries:
        for product in rng.permutation(len(shuffled)):
            if round_ < len(shuffled[product]) and len(chosen) < queries:
                chosen.append((int(product), int(shuffled[product][round_])))
        round_ += 1
    return chosen


def _other_products(
    own: int,
    taken: np.ndarray,
    groups: dict[str, np.ndarray],
    wanted: int,
    rng: np.random.Generator,
    came_from: dict[str, int],
) -> list[int]:
    """`wanted` distinct products that are not `taken` `[P]`, nearest to `own` first."""
    others: list[int] = []
    for source in SOURCES:
        pool = ~taken
        if source != "anywhere":
            group = groups[source][own]
            pool &= (groups[source] == group) & (group != UNLABELLED)
        free = np.flatnonzero(pool)
        picked = rng.choice(free, min(wanted - len(others), len(free)), replace=False)
        others.extend(int(product) for product in picked)
        taken[picked] = True
        came_from[source] += len(picked)
    return others
