"""`fashionvl predict`: passing every photograph of both files once and keeping what is found."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fashionvl.data.catalogue import Piece, Split
from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.records import RowImages
from fashionvl.tasks.base import PairTask
from fashionvl.tasks.optimization import Optimization


class Writer(Protocol):
    """Keeps what is found, piece by piece; a piece is written whole or not at all."""

    def pending(self) -> list[np.ndarray]:
        """The rows of each piece that is not there yet."""

    def write(self, rows: np.ndarray, **arrays: np.ndarray) -> None:
        """Write one piece."""


class RowWriting(PairTask):
    """Nothing is learnt: subclasses say what they find in photographs and where it goes.

    Pieces are shared out over the processes; a run that was stopped goes on with the pieces that are missing.
    """

    def __init__(self) -> None:
        super().__init__(Optimization())
        self._writers: Mapping[Split, Any] = {}
        self._shared: list[Piece] = []
        self._found: list[tuple[np.ndarray, dict[str, np.ndarray]]] = []

    def open_writers(self, folder: Path, data: FashionGenDataModule) -> Mapping[Split, Any]:
        """A `Writer` for `train` and one for `validation`, under the run folder."""
        raise NotImplementedError

    def find(self, split: Split, images: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Compute the arrays `[B, ...]` to keep of photographs `[B, H, W, 3]` uint8, by name."""
        raise NotImplementedError

    def scores(self) -> dict[str, float]:
        """Figures for the run's record, once everything is written."""
        return {}

    def setup(self, stage: str) -> None:
        """Open what will be written to."""
        super().setup(stage)
        data = self.data
        self._writers = self.open_writers(Path(self.trainer.default_root_dir), data)
        # Counted before any process writes, so that all share out the same list.
        self._shared = self.pieces()

    @property
    def work(self) -> list[Piece]:
        """Pieces left when the pass began, the same in every process."""
        return self._shared

    def pieces(self) -> list[Piece]:
        """List the pieces left now."""
        return [Piece(split, rows) for split, writer in self._writers.items() for rows in writer.pending()]

    def predict_step(self, batch: RowImages, batch_idx: int) -> None:
        """Find, and write the piece when it is complete."""
        for rows, images in batch.of_one_size():
            self._found.append((rows, self.find(batch.split, images, rows)))
        if batch.closes:
            rows = np.concatenate([rows for rows, _ in self._found])
            self._writers[batch.split].write(rows, **_joined(found for _, found in self._found))
            self._found.clear()


def _joined(found: Iterable[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    parts = list(found)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
