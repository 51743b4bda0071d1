"""The sidecar of the synthetic catalogue: what only its maker knows, row by row."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from fashionvl.errors import InputError

SIZE = 256
PACKED = SIZE * SIZE // 8


class GroundTruth:
    """Foreground masks and attributes of one split; rows are those of the catalogue file beside it.

    The masks stay in the file and are read one at a time; everything else is small and is read at once.

    Raises:
        InputError: the file is missing or is not a ground-truth file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file: h5py.File | None = None
        try:
            with h5py.File(self.path, "r") as file:
                self._length = len(file["foreground"])
                self._attributes = {name: column[:] for name, column in file["attributes"].items()}
                self._mentioned = {name: column[:] for name, column in file["mentioned"].items()}
                self._unnamed = file["unnamed"][:] if "unnamed" in file else np.zeros(self._length, bool)
                self._regions = {name: column[:] for name, column in file["regions"].items()}
                self._values = {
                    name: list(column.attrs["values"]) for name, column in file["attributes"].items()
                }
                self._words = {
                    name: list(column.attrs["words"]) for name, column in file["attributes"].items()
                }
        except FileNotFoundError as error:
            raise InputError(
                f"{self.path}: no such file; the sidecar is written beside a synthetic catalogue"
            ) from error
        except (OSError, KeyError, AttributeError) as error:
            raise InputError(
                f"{self.path}: not a ground-truth file ({error}); write the catalogue again"
            ) from error

    def __len__(self) -> int:
        return self._length

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}

    def foreground(self, row: int) -> np.ndarray:
        """Return the foreground mask of a row: `[256, 256]` bool."""
        if self._file is None:
            self._file = h5py.File(self.path, "r")
        return np.unpackbits(self._file["foreground"][row]).astype(bool).reshape(SIZE, SIZE)

    def attributes(self) -> dict[str, np.ndarray]:
        """Positions of each attribute's value in `values(name)`, `[N]` int16; -1 where it does not apply."""
        return self._attributes

    def mentioned(self, name: str) -> np.ndarray:
        """`[N]` bool: the product's caption holds the phrase of its value."""
        return self._of(self._mentioned, name)

    def unnamed(self) -> np.ndarray:
        """`[N]` bool: the product's caption does not name its sub-category."""
        return self._unnamed

    def region(self, name: str) -> np.ndarray:
        """Return the boxes of an attribute: `[N, 4]` int16 x0, y0, x1, y1 in pixels, end excluded.

        One box holds all of it: both sleeves, both cuffs. -1 where the view does not show it (a closure from
        behind, less than 30 % of it in a close-up) or it does not apply.
        """
        return self._of(self._regions, name)

    def values(self, name: str) -> list[str]:
        """The names of an attribute's values."""
        return self._of(self._values, name)

    def words(self, name: str) -> list[str]:
        """The lower-case phrase captions use for each value; empty where they never name it."""
        return self._of(self._words, name)

    def _of(self, table: dict[str, Any], name: str) -> Any:
        if name not in table:
            raise InputError(f"{self.path}: no attribute {name!r}; it has {_listed(table)}")
        return table[name]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
