"""Arrow tables, from Parquet files or a Hugging Face data set, with pictures inside or beside them."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from fashionvl.data.readers.table.listing import PICTURE_ENDINGS
from fashionvl.data.readers.table.rows import TextTable, header_names
from fashionvl.data.readers.table.typed import append_cell
from fashionvl.errors import InputError
from fashionvl.files.whole import written_whole


class Part(Protocol):
    """Some rows of a table: a Parquet file, or a split of a data set.

    Attributes:
        path: of the file or folder, for messages.
        split: that the rows belong to, where the name says so.
        schema: the `pyarrow.Schema`.
        rows: how many.
    """

    path: Path
    split: str | None
    schema: Any
    rows: int

    def column(self, name: str) -> list[Any]:
        """The values of one column; no picture is decoded."""

    def pictures(self, name: str) -> Iterator[tuple[str, bytes]]:
        """Path and bytes of every row's picture; no bytes where a row has none."""

    def identify(self, digest: Any) -> None:
        """Feed what tells the content from any other to a `hashlib` digest."""


def read_parts(parts: Sequence[Part]) -> TextTable:
    """Read parts as one table; null and NaN are empty cells.

    Rows are counted over all parts. A cell that holds a picture becomes the row's number, which is the name
    that `unpack_pictures` gives it; a class number becomes the class's name, where the schema tells it.
    Parts of several splits get a column `split`.

    Raises:
        InputError: a part is damaged, or the parts differ in their columns.
    """
    table = TextTable(parts[0].path, {})
    splits = [part.split for part in parts if part.split]
    # One split alone says nothing; it is then drawn, as for any other table.
    told = len(splits) == len(parts) and len(set(splits)) > 1
    for number, part in enumerate(parts):
        names, within = header_names(part.path, part.schema.names), columns_of_pictures(part)
        told = told and "split" not in names
        if number and [*table.columns] != names + ["split"] * told:
            had = ", ".join(table.columns)
            raise InputError(f"{part.path}: columns {', '.join(names)}, but {parts[0].path} has {had}")
        first, classes = len(table), _class_names(part.schema)
        rows = range(first + 1, first + part.rows + 1)
        table.lines += rows
        for name, original in zip(names, part.schema.names, strict=True):
            cells = table.columns.setdefault(name, [])
            if original in within:
                cells += map(str, rows)
                continue
            values = part.column(original)
            if original in classes:
                values = [_named(value, classes[original]) for value in values]
            for row, value in enumerate(values, first):
                append_cell(table, name, cells, value, row)
        if told:
            table.columns.setdefault("split", []).extend([str(part.split)] * part.rows)
    return table


def columns_of_pictures(part: Part) -> set[str]:
    """Columns in the form of Hugging Face's images: a struct with the file's bytes and its path."""
    import pyarrow

    fields = (part.schema.field(number) for number in range(len(part.schema.names)))
    structs = [field for field in fields if pyarrow.types.is_struct(field.type)]
    return {field.name for field in structs if field.type.get_field_index("bytes") >= 0}


def unpack_pictures(parts: Sequence[Part], column: str, cache: Path) -> Path | None:
    """Put the pictures of a column into a tar, once, for random access; they are not decoded.

    Args:
        parts: of the table.
        column: of pictures.
        cache: folder for the tar.

    Returns:
        The tar; None where the parts hold no pictures in that column.

    Raises:
        InputError: a part is damaged, or the tar cannot be written.
    """
    if column not in columns_of_pictures(parts[0]):
        return None
    digest = hashlib.sha256(column.encode())
    for part in parts:
        part.identify(digest)
    target = cache / f"{parts[0].path.stem}-{digest.hexdigest()[:16]}.tar"
    if not target.exists():
        with written_whole(target) as file, tarfile.open(fileobj=file, mode="w") as archive:
            pictures = (picture for part in parts for picture in part.pictures(column))
            for number, (name, data) in enumerate(pictures, 1):
                if not data:
                    continue
                ending = Path(name).suffix.lower()
                entry = tarfile.TarInfo(f"{number}{ending if ending in PICTURE_ENDINGS else '.jpg'}")
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    return target


def _class_names(schema: Any) -> dict[str, list[str]]:
    """Names of the classes of each column of class numbers, from Hugging Face's notes in the schema."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        kinds = {name: feature for name, feature in features.items() if isinstance(feature, dict)}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}
    return {name: kind["names"] for name, kind in kinds.items() if isinstance(kind.get("names"), list)}


def _named(value: Any, names: list[str]) -> Any:
    """The class's name; a number outside of the names, such as the -1 of no class, is an empty cell."""
    if not isinstance(value, int):
        return value
    return names[value] if 0 <= value < len(names) else None
