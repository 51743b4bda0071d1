"""Passing every photograph once: pieces, shares, what is left after a stop."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fashionvl.data.batches.rows import RowDataset
from fashionvl.data.catalogue import Piece
from fashionvl.data.records import RowImages
from fashionvl.tasks.row_writing import RowWriting

ROWS = 10


class Reader:
    """Photographs that tell their row."""

    source = Path("made-up.h5")

    def __len__(self) -> int:
        return ROWS

    def image(self, row: int) -> np.ndarray:
        return np.full((4, 4, 3), row, np.uint8)


class Kept:
    """A writer in memory, in pieces of four rows."""

    def __init__(self) -> None:
        self.pieces: dict[int, dict[str, np.ndarray]] = {}

    def pending(self) -> list[np.ndarray]:
        starts = [start for start in range(0, ROWS, 4) if start not in self.pieces]
        return [np.arange(start, min(start + 4, ROWS)) for start in starts]

    def write(self, rows: np.ndarray, **arrays: np.ndarray) -> None:
        self.pieces[int(rows[0])] = {"rows": rows, **arrays}


class Means(RowWriting):
    """Finds the mean of a photograph."""

    def __init__(self, writers: dict[str, Kept]) -> None:
        super().__init__()
        self._writers = dict(writers)

    def find(self, split: str, images: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        return {"mean": images.mean((1, 2, 3)), "twice": 2 * rows}


@pytest.fixture
def writers() -> dict[str, Kept]:
    return {"train": Kept(), "validation": Kept()}


def _batches(pieces: list[Piece], size: int = 3) -> list[RowImages]:
    dataset = RowDataset({"train": Reader(), "validation": Reader()}, pieces, size)  # type: ignore[dict-item]
    return [dataset[number] for number in range(len(dataset))]


def test_batches_stay_inside_their_piece(writers: dict[str, Any]) -> None:
    batches = _batches(Means(writers).pieces())
    assert [batch.rows.tolist() for batch in batches[:5]] == [[0, 1, 2], [3], [4, 5, 6], [7], [8, 9]]
    assert [batch.closes for batch in batches[:5]] == [False, True, False, True, True]
    assert [batch.split for batch in batches].count("validation") == 5


def test_every_row_is_found_and_written_in_whole_pieces(writers: dict[str, Any]) -> None:
    task = Means(writers)
    for number, batch in enumerate(_batches(task.pieces())):
        task.predict_step(batch, number)
    for kept in writers.values():
        joined = {
            name: np.concatenate([piece[name] for piece in kept.pieces.values()])
            for name in ("rows", "mean", "twice")
        }
        assert joined["rows"].tolist() == list(range(ROWS))
        assert (joined["mean"] == joined["rows"]).all()
        assert (joined["twice"] == 2 * joined["rows"]).all()
    assert task.pieces() == []


def test_photographs_of_several_sizes_come_in_runs_of_one() -> None:
    images = [np.full((2 + row // 2, 3, 3), row, np.uint8) for row in range(5)]
    batch = RowImages("train", np.arange(10, 15), images, True)
    runs = list(batch.of_one_size())
    assert [rows.tolist() for rows, _ in runs] == [[10, 11], [12, 13], [14]]
    assert [found.shape for _, found in runs] == [(2, 2, 3, 3), (2, 3, 3, 3), (1, 4, 3, 3)]
    assert [found[:, 0, 0, 0].tolist() for _, found in runs] == [[0, 1], [2, 3], [4]]


def test_a_stopped_pass_goes_on_with_the_pieces_that_are_missing(writers: dict[str, Any]) -> None:
    stopped = Means(writers)
    for number, batch in enumerate(_batches(stopped.pieces())[:3]):
        stopped.predict_step(batch, number)
    again = Means(writers).pieces()
    assert [piece.rows[0] for piece in again if piece.split == "train"] == [4, 8]


def test_two_processes_share_the_pieces(writers: dict[str, Any]) -> None:
    pieces = Means(writers).pieces()
    for rank in range(2):
        task = Means(writers)
        for number, batch in enumerate(_batches(pieces[rank::2])):
            task.predict_step(batch, number)
    assert Means(writers).pieces() == []
