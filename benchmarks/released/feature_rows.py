"""Patch features as the released Kaleido-BERT reads them: numbers written out in decimal, parsed every time.

Source: the input schema of `scripts/run_pretrain.sh`: one line a pair, five columns of comma-separated values
with 1, 4, 9, 16 and 25 times 2,048 numbers, here with four decimals.
"""

from pathlib import Path
from typing import IO

import numpy as np

from fashionvl.data.visual.features import FeatureCache
from fashionvl.files.whole import written_whole
from fashionvl.patches.grid import KaleidoGrid

GRID = KaleidoGrid()
PATCHES = GRID.patches


class FeatureRows:
    """A file of such lines, read in order as the released input pipeline does.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path, width: int) -> None:
        self.path, self._width = path, width
        starts = [0]
        with path.open("rb") as file:
            for line in file:
                starts.append(starts[-1] + len(line))
        self._starts = starts

    def __len__(self) -> int:
        return len(self._starts) - 1

    @classmethod
    def of(cls, cache: FeatureCache, path: Path) -> "FeatureRows":
        """Write the plain patches of a cache, unless they are written already."""
        if not path.exists():
            with written_whole(path) as file:
                for row in range(len(cache)):
                    features = cache.take(np.array([row]), np.arange(PATCHES)[None])[0]
                    columns = (features[GRID.span(level)].ravel().tolist() for level in GRID.levels)
                    line = "\t".join(",".join(map("{:.4f}".format, column)) for column in columns)
                    file.write(f"{line}\n".encode())
        return cls(path, cache.facts.width)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Parse some lines: `[B, 55, D]` float32."""
        with self.path.open("rb") as file:
            return np.stack([self._parse(file.read(self._seek(file, int(row)))) for row in rows])

    def _seek(self, file: IO[bytes], row: int) -> int:
        file.seek(self._starts[row])
        return self._starts[row + 1] - self._starts[row]

    def _parse(self, line: bytes) -> np.ndarray:
        columns = line.decode().split("\t")
        parsed = [np.fromstring(column, np.float32, sep=",") for column in columns]
        return np.concatenate(parsed).reshape(PATCHES, self._width)
