"""A table request completed: presets, defaults and what the folder holds."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fashionvl.data.readers.table.files import ENDINGS
from fashionvl.data.readers.table.listing import is_archive, is_picture
from fashionvl.data.readers.table.parquet import shards_in, unpack_pictures
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
        files: the table; several are the shards of one.
        join: further tables.
        pictures: folders and archives.
        table: the request with every default filled in; null stands only where it means "none" and in
            columns that may be absent.
    """

    files: list[Path]
    join: list[Path]
    pictures: list[Path]
    table: Table

    @property
    def file(self) -> Path:
        """The table, or its first shard."""
        return self.files[0]

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
    if not folder.is_dir():
        raise InputError(f"{root}: no such file or folder; data.init_args.root names a table or its folder")
    known = known_files(folder, request.preset) if root.is_dir() and request.file is None else None
    table = _over(_over(Table(**DEFAULTS), known.table if known else Table()), request)
    files = [root] if root.is_file() else _table_files(folder, table.file)
    if table.pictures:
        pictures = [place for pattern in table.pictures for place in _matching(folder, pattern, "pictures")]
    else:
        inside = _inside(files, table.image or "", cache)
        pictures = [inside] if inside else _found_pictures(folder)
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
    return Settings(files, [folder / name for name in table.join or []], pictures, table)


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


def _inside(files: list[Path], column: str, cache: Path) -> Path | None:
    """The pictures that Parquet files hold themselves."""
    parquet = files[0].suffix.lower() == ".parquet" and files[0].is_file()
    return unpack_pictures(files, column, cache) if parquet else None


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
