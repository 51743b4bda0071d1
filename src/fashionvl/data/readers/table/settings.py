"""A table request completed: presets, defaults and what the folder holds."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fashionvl.data.readers.table.arrow import Part, columns_of_pictures, unpack_pictures
from fashionvl.data.readers.table.files import ENDINGS
from fashionvl.data.readers.table.hugging_face import hub_parts, is_saved, saved_parts
from fashionvl.data.readers.table.listing import is_archive, is_picture
from fashionvl.data.readers.table.parquet import ParquetPart, shards_in
from fashionvl.data.readers.table.presets import PRESETS, Files, recognised
from fashionvl.data.readers.table.request import PresetName, Table
from fashionvl.errors import InputError

KEY = "data.init_args.table"

CONTACT_SHEET = "contact_sheet.png"
"""Picture that `fashionvl data inspect` may leave in the folder; it is none of the catalogue's."""


@dataclass(frozen=True)
class Settings:
    """Everything that reading a table needs, decided.

    Attributes:
        file: the table, the first of its shards, or the data set.
        parts: the shards of a Parquet table or the splits of a data set; empty for other tables.
        join: further tables.
        pictures: folders and archives.
        table: the request with every default filled in; null stands only where it means "none" and in
            columns that may be absent.
    """

    file: Path
    parts: Sequence[Part]
    join: list[Path]
    pictures: list[Path]
    table: Table

    @property
    def skips(self) -> bool:
        """Return whether rows with defects are left out."""
        return self.table.on_defect == "skip"


DEFAULTS: dict[str, Any] = {
    "join": [],
    "image": "image",
    "caption": "caption",
    "train": ["train", "training"],
    "validation": ["validation", "valid", "val", "dev", "test"],
    "validation_share": 0.2,
    "seed": 0,
    "captions_together": False,
    "missing": [],
    "on_defect": "refuse",
}


def settle(root: Path, request: Table | None, cache: Path) -> Settings:
    """Complete a request.

    Args:
        root: the table, or its folder.
        request: what the configuration says; None: nothing.
        cache: folder for pictures that lie inside a Parquet file.

    Raises:
        InputError: no table or no pictures there, several without a choice, or values that cannot be.
    """
    request = request or Table()
    folder = root.parent if root.is_file() else root
    _check_source(root, request)
    named = request.file is not None or request.hub is not None
    known = known_files(folder, request.preset) if root.is_dir() and not named else None
    table = _over(_over(Table(**DEFAULTS), known.table if known else Table()), request)
    _check_values(table)
    file, parts = _table(root, table)
    if table.pictures:
        pictures = [place for pattern in table.pictures for place in _matching(folder, pattern, "pictures")]
    else:
        inside = unpack_pictures(parts, table.image or "", cache) if parts else None
        pictures = [inside] if inside else _beside(folder, file, parts, table)
    return Settings(file, parts, [folder / name for name in table.join or []], pictures, table)


def known_files(folder: Path, preset: PresetName | None) -> Files | None:
    """The layout of a published set that a folder has.

    Raises:
        InputError: a preset was asked for, but its files are not there.
    """
    found = recognised(folder, preset)
    if preset and not found:
        looked_for = " or ".join(", ".join(files.needs) for files in PRESETS[preset])
        raise InputError(f"{folder}: {KEY}.preset {preset} needs {looked_for} there")
    return found


def tables_in(folder: Path) -> list[str]:
    """Names of the table files in a folder."""
    return sorted(path.name for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())


def _over(below: Table, above: Table) -> Table:
    given = {name: value for name, value in vars(above).items() if value is not None}
    return dataclasses.replace(below, **given)


def _check_source(root: Path, request: Table) -> None:
    """Refuse a root that is not there, or one table asked for in two ways."""
    if request.hub is None:
        if not root.exists():
            raise InputError(
                f"{root}: no such file or folder; data.init_args.root names a table or its folder"
            )
        if request.hub_config is not None:
            raise InputError(f"{KEY}.hub_config: set, but {KEY}.hub is null; name the data set there")
        return
    for key in ("file", "preset"):
        if getattr(request, key) is not None:
            raise InputError(f"{KEY}.{key}: set beside {KEY}.hub; name one of them only")
    if root.is_file():
        raise InputError(f"{root}: a file; beside {KEY}.hub, root is the folder that derived files go to")


def _check_values(table: Table) -> None:
    if table.join and not table.join_on:
        raise InputError(
            f"{KEY}.join_on: null; name the column that {', '.join(table.join)} share with the table"
        )
    if table.delimiter is not None and (len(table.delimiter) != 1 or table.delimiter in '"\r\n'):
        raise InputError(
            f"{KEY}.delimiter: {table.delimiter!r}; expected one character, not a quotation mark"
        )
    share = table.validation_share or 0
    if not 0 < share < 1:
        raise InputError(f"{KEY}.validation_share: {share}; expected a share between 0 and 1")


def _table(root: Path, table: Table) -> tuple[Path, Sequence[Part]]:
    """The table, and its parts where it is Arrow data."""
    if table.hub is not None:
        return Path(table.hub), hub_parts(table.hub, table.hub_config)
    if root.is_dir() and table.file is None and is_saved(root):
        return root, saved_parts(root)
    files = [root] if root.is_file() else _table_files(root, table.file)
    parquet = [file.suffix.lower() == ".parquet" for file in files]
    if len(files) > 1 and not all(parquet):
        raise InputError(f"{files[0]}: only Parquet files are read as one; name one file in {KEY}.file")
    return files[0], [ParquetPart(file) for file in files] if all(parquet) and files[0].is_file() else []


def _table_files(folder: Path, name: str | None) -> list[Path]:
    if name is not None:
        return _matching(folder, name, "file")
    found = tables_in(folder)
    if len(found) == 1 or found == shards_in(folder) != []:
        return [folder / table for table in found]
    what = f"{len(found)} tables ({', '.join(found)})" if found else f"no table ({', '.join(ENDINGS)})"
    raise InputError(f"{folder}: holds {what}; name one in {KEY}.file")


def _matching(folder: Path, pattern: str, key: str) -> list[Path]:
    if any(sign in pattern for sign in "*?["):
        found = sorted(folder.glob(pattern))
        if not found:
            raise InputError(f"{KEY}.{key}: nothing in {folder} matches {pattern}")
        return found
    return [folder / pattern]


def _beside(folder: Path, file: Path, parts: Sequence[Part], table: Table) -> list[Path]:
    """The pictures beside a table; a data set of the hub or of `save_to_disk` has its own."""
    if parts and (table.hub is not None or file.is_dir()):
        inside = ", ".join(sorted(columns_of_pictures(parts[0]))) or "none"
        raise InputError(
            f"{KEY}.image: {table.image} is no column of pictures of {file}; of those it has {inside}"
        )
    return _found_pictures(folder)


def _found_pictures(folder: Path) -> list[Path]:
    """The folder itself where there are picture files in or below it, otherwise its archives."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.name != CONTACT_SHEET)
    loose = next((path for path in files if is_picture(path.as_posix())), None)
    archives = sorted(path for path in folder.iterdir() if is_archive(path) and not path.name.startswith("."))
    if loose and archives:
        raise InputError(
            f"{folder}: pictures both in files ({loose}) and in archives ({archives[0].name}); name one in "
            f"{KEY}.pictures, for example [{loose.parts[0] if len(loose.parts) > 1 else archives[0].name}]"
        )
    if not loose and not archives:
        raise InputError(f"{folder}: no pictures below it, and no zip or tar; name them in {KEY}.pictures")
    return archives or [folder]
