"""Token-region alignments on disk: where in a photograph each word of its caption was seen (AAG).

A folder a split: `manifest.json` with what decides the alignments, and one `.npy` of records a shard of
consecutive rows. Shards appear whole or not at all, so an interrupted run goes on with the missing ones.
"""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fashionvl.errors import InputError
from fashionvl.files.whole import written_whole

FORMAT = 1
"""Raised whenever the files change their meaning."""

SHARD_ROWS = 2048
"""Photographs of a shard: the paper's 260,480 make 128 files, each some hundred kilobytes."""

RECORD = np.dtype([("row", "<i4"), ("token", "<i4"), ("region", "<f4", (4,))])
"""An aligned token: row of the photograph, position in its caption with [CLS] at 0, and its region as x0, y0,
x1, y1 in fractions of the frame. Ascending in row and token."""


@dataclass(frozen=True)
class AlignmentFacts:
    """Settings that determine the alignments of one split.

    Attributes:
        data: fingerprint of the catalogue file.
        rows: photographs in it.
        tokenizer: fingerprint of the tokenizer whose tokens were aligned.
        captioner: SHA-256 of the captioner's weights.
        method: how regions were made of attention maps, in words.
    """

    data: str
    rows: int
    tokenizer: str
    captioner: str
    method: str


class AlignmentWriter:
    """Writes the alignments of one split, shard by shard."""

    def __init__(self, folder: Path, facts: AlignmentFacts, shard_rows: int = SHARD_ROWS) -> None:
        """Open or start a folder.

        Args:
            folder: of the split.
            facts: what decides the alignments.
            shard_rows: photographs a shard holds.

        Raises:
            InputError: the folder holds alignments that were made otherwise.
        """
        self._folder, self._rows, self._shard_rows = folder, facts.rows, shard_rows
        content = {"format": FORMAT, "shard_rows": shard_rows, **asdict(facts)}
        if (folder / "manifest.json").exists():
            found = _manifest(folder)
            for key in content:
                if found.get(key) != content[key]:
                    raise InputError(
                        f"{folder}: its alignments have {key} {found.get(key)}, these {content[key]}; delete "
                        "the folder or choose another --run_dir"
                    )
            return
        with written_whole(folder / "manifest.json") as file:
            file.write(f"{json.dumps(content, indent=1)}\n".encode())

    def pending(self) -> list[np.ndarray]:
        """The rows of each shard that is not there whole, ascending."""
        starts = range(0, self._rows, self._shard_rows)
        return [
            np.arange(start, min(start + self._shard_rows, self._rows))
            for number, start in enumerate(starts)
            if not self._written(number)
        ]

    def _written(self, number: int) -> bool:
        try:
            _open(_shard(self._folder, number))
        except (FileNotFoundError, InputError):
            return False
        return True

    def write(self, rows: np.ndarray, tokens: np.ndarray, regions: np.ndarray) -> None:
        """Write one shard.

        Args:
            rows: `[R]` as `pending` gave them.
            tokens: `[R, M]` positions of aligned tokens, ascending in a row; -1 where there are fewer than M.
            regions: `[R, M, 4]` fractions of the frame.
        """
        row, column = np.nonzero(tokens >= 0)
        records = np.empty(len(row), RECORD)
        records["row"], records["token"] = rows[row], tokens[row, column]
        records["region"] = regions[row, column]
        with written_whole(_shard(self._folder, int(rows[0]) // self._shard_rows)) as file:
            np.save(file, records)


class Alignments:
    """Reads the alignments of one split; safe to pickle into worker processes."""

    def __init__(self, folder: Path, data: str, tokenizer: str, rows: int) -> None:
        """Open a folder and check that it belongs here and is whole.

        Args:
            folder: of the split.
            data: fingerprint of the catalogue file in use.
            tokenizer: fingerprint of the tokenizer in use.
            rows: photographs in the catalogue file.

        Raises:
            InputError: there is nothing, it was made for other data or another tokenizer, or a shard is
                missing or damaged.
        """
        self.folder = folder
        manifest = _manifest(folder)
        for key, what, now in (
            ("format", "alignments of format", FORMAT),
            ("data", "alignments of the data with fingerprint", data),
            ("rows", "alignments of rows:", rows),
            ("tokenizer", "alignments for the tokenizer with fingerprint", tokenizer),
        ):
            if manifest.get(key) != now:
                raise InputError(
                    f"{folder}: {what} {_short(manifest.get(key))}, in use is {_short(now)}; "
                    "run align.yaml again on this data"
                )
        self._shard_rows = int(manifest["shard_rows"])
        self._shards = -(-rows // self._shard_rows)
        self._check_shards()

    def _check_shards(self) -> None:
        missing = [n for n in range(self._shards) if not _shard(self.folder, n).exists()]
        if missing:
            raise InputError(
                f"{_shard(self.folder, missing[0])}: missing, {self._shards - len(missing)} shards found of "
                f"{self._shards}; run align.yaml again, it writes only what is missing"
            )
        self._maps  # noqa: B018 - opening finds the damaged ones

    @cached_property
    def _maps(self) -> list[np.ndarray]:
        return [_open(_shard(self.folder, number)) for number in range(self._shards)]

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_maps"}

    def of(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """The aligned tokens of a row's own caption.

        Returns:
            Positions `[K]` int64 in the whole caption, [CLS] at 0, ascending; regions `[K, 4]` float32, x0,
            y0, x1, y1 in fractions of the frame. K is 0 where no word was aligned.
        """
        shard = self._maps[row // self._shard_rows]
        start, end = np.searchsorted(shard["row"], [row, row + 1])
        return shard["token"][start:end].astype(np.int64), np.array(shard["region"][start:end])


def _shard(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.npy"


def _short(value: object) -> str:
    return str(value)[:16]


def _manifest(folder: Path) -> dict[str, Any]:
    file = folder / "manifest.json"
    try:
        found = json.loads(file.read_text())
    except FileNotFoundError as error:
        raise InputError(
            f"{folder}: no alignments here; name the folder `fashionvl predict` wrote for align.yaml"
        ) from error
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputError(
            f"{file}: not the manifest of alignments; delete the folder and run align.yaml again"
        )
    return found


def _open(file: Path) -> np.ndarray:
    try:
        records = np.load(file, mmap_mode="r")
    except (ValueError, EOFError) as error:
        raise InputError(
            f"{file}: {file.stat().st_size} bytes that are no whole shard ({error}); delete the file and run "
            "align.yaml again, it writes only what is missing"
        ) from error
    if records.dtype != RECORD:
        raise InputError(f"{file}: holds {records.dtype}, expected records of alignments; delete it")
    return records
