"""Ranked answers to the first queries, for the report's pictures."""

import numpy as np
from torch import Tensor

from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.retrieval.candidates import Direction
from fashionvl.tasks.testing.base import SHOWN, Arrays
from fashionvl.tasks.testing.shown import shown

TOP = 5
"""Ranked answers shown, as in Figs. 5 and 6 of MVLT."""


class RankedExamples:
    """Keeps scored candidate lists of the first queries.

    Attributes:
        direction: of the queries.
    """

    def __init__(self, direction: Direction) -> None:
        self.direction = direction
        self._kept: list[tuple[int, np.ndarray]] = []

    def add(self, query_ids: Tensor, probabilities: Tensor) -> None:
        """Keep lists `[Q, C]` of queries `[Q]`, in [0, 1], as long as there is room."""
        for query, row in zip(query_ids.tolist(), probabilities, strict=True):
            if len(self._kept) < SHOWN:
                self._kept.append((query, row.cpu().numpy()))

    def arrays(self, data: FashionGenDataModule) -> Arrays:
        """Query, its best candidates with probabilities, and which of them is the match; images as stored."""
        candidates = data.candidates(self.direction)
        numbers = [query for query, _ in self._kept]
        best = np.stack([np.argsort(-scores, kind="stable")[:TOP] for _, scores in self._kept])
        rows = np.take_along_axis(candidates.candidate_rows[numbers], best, axis=1)
        query_rows = candidates.query_rows[numbers]
        texts, images = (
            (query_rows[:, None], rows) if self.direction == "tir" else (rows, query_rows[:, None])
        )
        photographs = shown(data.test_image(row) for row in images.ravel()).images
        return {
            "captions": np.array([[data.test_caption(row) for row in line] for line in texts]),
            "images": photographs.reshape(*images.shape, *photographs.shape[1:]),
            "probabilities": np.stack(
                [scores[order] for (_, scores), order in zip(self._kept, best, strict=True)]
            ),
            "matched": best == candidates.positive[numbers][:, None],
        }

    def examples(self, data: FashionGenDataModule) -> dict[str, Arrays]:
        """The same under the direction's name; nothing where no query was seen."""
        return {self.direction: self.arrays(data)} if self._kept else {}
