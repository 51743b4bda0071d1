"""Parquet files, alone or as the shards of a Hugging Face data set."""

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from fashionvl.data.readers.fingerprint import hash_samples
from fashionvl.errors import InputError

SHARD = re.compile(r"(?P<split>[A-Za-z]+)-\d{5}-of-\d{5}.*\.parquet")
"""File names that Hugging Face `datasets` gives to the shards of a split."""

MOST_ROWS_A_BYTE = 1000
"""Rows a byte of a file beyond which its count of rows is damaged."""

ROWS_AT_ONCE = 64
"""Rows whose pictures are in memory at a time."""


def shards_in(folder: Path) -> list[str]:
    """Names of the files of a Hugging Face data set in a folder."""
    return sorted(path.name for path in folder.glob("*.parquet") if SHARD.fullmatch(path.name))


class ParquetPart:
    """One Parquet file; `split` is what a shard's name says."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            InputError: pyarrow is not installed, or the file is not Parquet.
        """
        shard = SHARD.fullmatch(path.name)
        self.path, self.split = path, shard["split"] if shard else None
        self.schema, self.rows = self._file.schema_arrow, self._file.metadata.num_rows
        self._read(lambda: self.schema.names)  # bytes of damaged names fail here
        if self.rows > path.stat().st_size * MOST_ROWS_A_BYTE:
            raise InputError(f"{path}: not a whole Parquet file ({self.rows:,} rows in it); write it again")

    @cached_property
    def _file(self) -> Any:
        try:
            import pyarrow.parquet as parquet
        except ImportError as error:
            raise InputError(
                f"{self.path}: Parquet needs pyarrow; pip install 'fashionvl[parquet]'"
            ) from error
        return self._read(lambda: parquet.ParquetFile(self.path))

    def column(self, name: str) -> list[Any]:
        """The values of one column; times that Python's `datetime` cannot hold are texts.

        Raises:
            InputError: the column is damaged, or has more or fewer values than the file has rows.
        """
        column = self._read(lambda: self._file.read([name]).column(0))
        try:
            values: list[Any] = column.to_pylist()
        except (OverflowError, ValueError):
            values = self._read(lambda: column.cast("string").to_pylist())
        if len(values) != self.rows:
            raise InputError(
                f"{self.path}: {name} has {len(values)} rows, expected {self.rows}; write it again"
            )
        return values

    def pictures(self, name: str) -> Iterator[tuple[str, bytes]]:
        """Path and bytes of every row's picture; no bytes where a row has none."""
        batches = self._file.iter_batches(batch_size=ROWS_AT_ONCE, columns=[name])
        while (batch := self._read(lambda: next(batches, None))) is not None:
            for picture in self._read(batch.column(0).to_pylist):
                yield (picture or {}).get("path") or "", (picture or {}).get("bytes") or b""

    def identify(self, digest: Any) -> None:
        """Feed samples of the file to a digest."""
        hash_samples(digest, self.path)

    def _read(self, action: Any) -> Any:
        try:
            return action()
        except Exception as error:  # pyarrow raises nearly anything on damaged bytes
            said = next(iter(str(error).splitlines()), type(error).__name__)
            raise InputError(f"{self.path}: not a whole Parquet file ({said}); write it again") from error
