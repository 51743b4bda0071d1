"""Cache of one vector a photograph: what a frozen network makes of every photograph of one file.

`manifest.json` says what decided the vectors; each `00000.npy` holds those of consecutive rows, `[R, D]`
float16. Files appear whole or not at all, so that an interrupted pass goes on with the missing ones.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from fashionvl.errors import InputError
from fashionvl.files.arrays import mapped
from fashionvl.files.whole import written_whole

FORMAT = 1
"""Raised whenever the files change their meaning."""

PIECE_ROWS = 512
"""Photographs of a file: a few seconds of a small network on a CPU are lost by a stop."""

AGAIN = "delete it; the next run writes what is missing"


@dataclass(frozen=True)
class PooledFacts:
    """Settings that determine the vectors of one file.

    Attributes:
        network: name of the architecture.
        arguments: further ones of it, as JSON.
        weights: where they come from.
        picture_size: height and width of a photograph in pixels, as the network saw it.
        crop: whether photographs were cropped to their foreground first.
        data: fingerprint of the file (`CatalogueIndex.fingerprint`).
        rows: photographs in it.
    """

    network: str
    arguments: str
    weights: str
    picture_size: int
    crop: bool
    data: str
    rows: int


class PooledFeatures:
    """The vectors of one file: written piece by piece, then read, mapped into memory.

    Attributes:
        width: D, numbers of a vector.
    """

    def __init__(self, folder: Path, facts: PooledFacts, width: int, piece_rows: int) -> None:
        """Name a folder whose manifest agrees; see `begin` and `open`."""
        self._folder, self._facts, self.width, self._piece_rows = folder, facts, width, piece_rows
        self._open: dict[int, np.ndarray] = {}

    @classmethod
    def begin(cls, folder: Path, facts: PooledFacts, width: int, piece_rows: int = PIECE_ROWS) -> Self:
        """Write the manifest of a new folder.

        Raises:
            InputError: the folder cannot be written.
            ValueError: a piece would hold no photograph.
        """
        if piece_rows < 1:
            raise ValueError(f"piece_rows: {piece_rows} is not positive")
        content = {"format": FORMAT, **asdict(facts), "width": width, "piece_rows": piece_rows}
        with written_whole(folder / "manifest.json") as file:
            file.write(f"{json.dumps(content, indent=1)}\n".encode())
        return cls(folder, facts, width, piece_rows)

    @classmethod
    def open(cls, folder: Path, facts: PooledFacts) -> Self | None:
        """Open a folder that was begun, whole or not; None where there is none.

        Raises:
            InputError: its vectors were made otherwise, or its manifest is damaged; it names the file.
        """
        path = folder / "manifest.json"
        if not path.exists():
            return None
        try:
            found: dict[str, Any] = json.loads(path.read_text())
            written, width, piece_rows = (int(found[key]) for key in ("format", "width", "piece_rows"))
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: not the manifest of a cache of features ({error!r}); delete its folder, which is "
                "then written again"
            ) from error
        expected = {"format": FORMAT, **asdict(facts)}
        differing = [
            f"{key} is {found.get(key)!r}, expected {value!r}"
            for key, value in expected.items()
            if {**found, "format": written}.get(key) != value
        ]
        if differing:
            raise InputError(
                f"{path}: features made otherwise ({'; '.join(differing)}); delete its folder, which is then "
                "written again, or choose another"
            )
        return cls(folder, facts, width, piece_rows)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}

    def pending(self) -> list[np.ndarray]:
        """The rows of each piece that is not there whole, ascending."""
        numbers = range(-(-self._facts.rows // self._piece_rows))
        return [self._rows(number) for number in numbers if not self._complete(number)]

    def write(self, rows: np.ndarray, features: np.ndarray) -> None:
        """Write one piece, whole or not at all.

        Args:
            rows: as `pending` gave them.
            features: `[R, D]`, kept as float16.

        Raises:
            InputError: a number is not finite in float16, or the disk is full.
            ValueError: the rows are no piece, or the array has another shape.
        """
        number = int(rows[0]) // self._piece_rows
        if not np.array_equal(rows, self._rows(number)) or features.shape != (len(rows), self.width):
            raise ValueError(f"rows {rows[0]}..{rows[-1]}, features {features.shape}: not piece {number}")
        with np.errstate(over="ignore"):
            kept = features.astype(np.float16)
        if not np.isfinite(kept).all():
            raise InputError(
                f"{self._path(number)}: features of rows {rows[0]}..{rows[-1]} are not finite in float16; "
                f"take a network other than {self._facts.network}, or other weights"
            )
        with written_whole(self._path(number)) as file:
            np.save(file, kept)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Read the vectors `[B, D]` float32 of rows `[B]`.

        Raises:
            InputError: a piece is missing or damaged.
        """
        found = np.empty((len(rows), self.width), np.float32)
        pieces, places = np.divmod(rows, self._piece_rows)
        for number in np.unique(pieces).tolist():
            here = pieces == number
            if number not in self._open:
                self._open[number] = self._read(number)
            found[here] = self._open[number][places[here]]
        return found

    def _rows(self, number: int) -> np.ndarray:
        start = number * self._piece_rows
        return np.arange(start, min(start + self._piece_rows, self._facts.rows))

    def _read(self, number: int) -> np.ndarray:
        return mapped(self._path(number), (len(self._rows(number)), self.width), np.float16, AGAIN)

    def _complete(self, number: int) -> bool:
        try:
            self._read(number)
        except InputError:
            return False
        return True

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:05d}.npy"
