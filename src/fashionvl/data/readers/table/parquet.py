"""Parquet files, alone or as the shards of a Hugging Face data set, with pictures inside or beside them."""

import hashlib
import io
import re
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fashionvl.data.readers.fingerprint import hash_samples
from fashionvl.data.readers.table.listing import PICTURE_ENDINGS
from fashionvl.data.readers.table.rows import TextTable, header_names
from fashionvl.data.readers.table.typed import append_cell
from fashionvl.errors import InputError
from fashionvl.files.whole import written_whole

SHARD = re.compile(r"(?P<split>[A-Za-z]+)-\d{5}-of-\d{5}.*\.parquet")
"""File names that Hugging Face `datasets` gives to the shards of a split."""

MOST_ROWS_A_BYTE = 1000
"""Rows a byte of a file beyond which its count of rows is damaged."""

ROWS_AT_ONCE = 64
"""Rows whose pictures are in memory at a time."""


def shards_in(folder: Path) -> list[str]:
    """Names of the files of a Hugging Face data set in a folder."""
    return sorted(path.name for path in folder.glob("*.parquet") if SHARD.fullmatch(path.name))


def read_parquet(paths: Sequence[Path]) -> TextTable:
    """Read Parquet files as one table; null and NaN are empty cells.

    Rows are counted over all files. A cell that holds a picture becomes the row's number, which is the name
    that `unpack_pictures` gives it. Shards of several splits get a column `split` from their names.

    Raises:
        InputError: pyarrow is not installed, a file is not Parquet, or the files differ in their columns.
    """
    table, named = TextTable(paths[0], {}), [SHARD.fullmatch(path.name) for path in paths]
    splits = [shard["split"] for shard in named if shard]
    # One split alone says nothing; it is then drawn, as for any other table.
    told = len(splits) == len(paths) and len(set(splits)) > 1
    for number, path in enumerate(paths):
        file = open_parquet(path)
        names, within = header_names(path, file.schema_arrow.names), _columns_of_pictures(file)
        told = told and "split" not in names
        if number and [*table.columns] != names + ["split"] * told:
            had = ", ".join(table.columns)
            raise InputError(f"{path}: columns {', '.join(names)}, but {paths[0]} has {had}")
        first, rows = len(table), file.metadata.num_rows
        if rows > path.stat().st_size * MOST_ROWS_A_BYTE:
            raise InputError(f"{path}: not a whole Parquet file ({rows:,} rows in it); write it again")
        table.lines += range(first + 1, first + rows + 1)
        for name, original in zip(names, file.schema_arrow.names, strict=True):
            cells = table.columns.setdefault(name, [])
            if original in within:
                cells += map(str, range(first + 1, first + rows + 1))
                continue
            values = _values(path, file, original)
            if len(values) != rows:
                raise InputError(f"{path}: {name} has {len(values)} rows, expected {rows}; write it again")
            for row, value in enumerate(values, first):
                append_cell(table, name, cells, value, row)
        if told:
            table.columns.setdefault("split", []).extend([splits[number]] * rows)
    return table


def unpack_pictures(paths: Sequence[Path], column: str, cache: Path) -> Path | None:
    """Put the pictures of a column into a tar, once, for random access.

    Args:
        paths: Parquet files.
        column: of pictures.
        cache: folder for the tar.

    Returns:
        The tar; None where the files hold no pictures in that column.

    Raises:
        InputError: a file is damaged, or the tar cannot be written.
    """
    if column not in _columns_of_pictures(open_parquet(paths[0])):
        return None
    digest = hashlib.sha256(column.encode())
    for path in paths:
        hash_samples(digest, path)
    target = cache / f"{paths[0].stem}-{digest.hexdigest()[:16]}.tar"
    if not target.exists():
        with written_whole(target) as file, tarfile.open(fileobj=file, mode="w") as archive:
            for number, (name, data) in enumerate(_pictures(paths, column), 1):
                if not data:
                    continue
                ending = Path(name).suffix.lower()
                entry = tarfile.TarInfo(f"{number}{ending if ending in PICTURE_ENDINGS else '.jpg'}")
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    return target


def open_parquet(path: Path) -> Any:
    """Open a Parquet file.

    Raises:
        InputError: pyarrow is not installed, or the file is not Parquet.
    """
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise InputError(f"{path}: Parquet needs pyarrow; pip install 'fashionvl[parquet]'") from error
    return _read(path, lambda: parquet.ParquetFile(path))


def _values(path: Path, file: Any, name: str) -> list[Any]:
    """Cells of a column; times that Python's `datetime` cannot hold are texts."""
    column = _read(path, lambda: file.read([name]).column(0))
    try:
        found: list[Any] = column.to_pylist()
    except (OverflowError, ValueError):
        found = _read(path, lambda: column.cast("string").to_pylist())
    return found


def _read(path: Path, action: Any) -> Any:
    try:
        return action()
    except Exception as error:  # pyarrow raises nearly anything on damaged bytes
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"{path}: not a whole Parquet file ({said}); write it again") from error


def _columns_of_pictures(file: Any) -> set[str]:
    """Columns in the form of Hugging Face's images: a struct with the file's bytes and its path."""
    import pyarrow

    fields = (file.schema_arrow.field(number) for number in range(len(file.schema_arrow.names)))
    structs = [field for field in fields if pyarrow.types.is_struct(field.type)]
    return {field.name for field in structs if field.type.get_field_index("bytes") >= 0}


def _pictures(paths: Sequence[Path], column: str) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of every row's picture; no bytes where a row has none."""
    for path in paths:
        batches = open_parquet(path).iter_batches(batch_size=ROWS_AT_ONCE, columns=[column])
        for batch in _each(path, batches):
            for picture in batch.column(0).to_pylist():
                yield (picture or {}).get("path") or "", (picture or {}).get("bytes") or b""


def _each(path: Path, batches: Iterator[Any]) -> Iterator[Any]:
    while (batch := _read(path, lambda: next(batches, None))) is not None:
        yield batch
