"""Picture files of a folder, a zip or a tar, without reading them."""

import os
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fashionvl.data.readers.table.unpacking import unpacked
from fashionvl.errors import InputError

PICTURE_ENDINGS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".jp2"}
)
TAR_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")

UNKNOWN = -1
"""Stands for an offset or a checksum that there is none of."""


class Member(NamedTuple):
    """A picture file in one place.

    Attributes:
        name: path below the folder or inside the archive, `/` between its parts.
        offset: in the archive: a tar's data, a zip's header of the member; `UNKNOWN` in a folder.
        stored: bytes it takes in the archive.
        size: bytes of the file.
        crc: CRC-32 of the file, `UNKNOWN` except in a zip.
        deflated: whether it is stored compressed.
    """

    name: str
    offset: int
    stored: int
    size: int
    crc: int
    deflated: bool


def is_archive(path: Path) -> bool:
    """Return whether the name of a file ends as that of a zip or a tar does."""
    return path.name.lower().endswith((".zip", *TAR_ENDINGS))


def is_picture(name: str) -> bool:
    """Return whether a path names a picture that is not hidden; archives of macOS hold hidden doubles."""
    parts = name.split("/")
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return not hidden and Path(parts[-1]).suffix.lower() in PICTURE_ENDINGS


def is_packed(place: Path) -> bool:
    """Return whether a path is a tar that has to be unpacked before it can be read at random."""
    return place.is_file() and is_archive(place) and not place.name.lower().endswith((".zip", ".tar"))


def list_pictures(place: Path, cache: Path) -> Iterator[Member]:
    """List the picture files of a folder, a zip or a tar.

    Args:
        place: the folder or archive.
        cache: folder for tars that are unpacked.

    Raises:
        InputError: it is missing, damaged or packed in an unknown way.
    """
    if place.is_dir():
        return _list_folder(place, "", set())
    if not place.is_file():
        raise InputError(
            f"{place}: no such file or folder; data.init_args.table.pictures names where pictures are"
        )
    if not is_archive(place):
        raise InputError(f"{place}: neither a folder nor a zip or tar; pictures are read from these")
    if place.name.lower().endswith(".zip"):
        return _list_zip(place)
    return _list_tar(unpacked(place, cache) if is_packed(place) else place)


def _list_folder(folder: Path, below: str, seen: set[tuple[int, int]]) -> Iterator[Member]:
    """Files in the order of their names; links are followed, once."""
    status = folder.stat()
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        name = f"{below}{entry.name}"
        if entry.is_dir():
            if not entry.name.startswith("."):
                yield from _list_folder(folder / entry.name, f"{name}/", seen)
        elif is_picture(entry.name) and entry.is_file():
            size = entry.stat().st_size
            yield Member(name, UNKNOWN, size, size, UNKNOWN, False)


def _list_zip(path: Path) -> Iterator[Member]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"{path}: not a whole zip ({error}); copy it again") from error
    for entry in entries:
        if not is_picture(entry.filename):  # nor a folder: its name ends in a slash
            continue
        if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            how = "encrypted" if entry.flag_bits & 1 else f"compressed by method {entry.compress_type}"
            raise InputError(f"{path}/{entry.filename}: {how}; pack the zip stored or deflated")
        yield Member(
            entry.filename, entry.header_offset, entry.compress_size, entry.file_size, entry.CRC,
            entry.compress_type == zipfile.ZIP_DEFLATED,
        )  # fmt: skip


def _list_tar(path: Path) -> Iterator[Member]:
    try:
        with tarfile.open(path, "r:") as archive:
            for entry in archive:
                if entry.isreg() and not entry.issparse() and is_picture(entry.name.removeprefix("./")):
                    name = entry.name.removeprefix("./")
                    yield Member(name, entry.offset_data, entry.size, entry.size, UNKNOWN, False)
    except (tarfile.TarError, OSError, ValueError) as error:
        raise InputError(f"{path}: not a whole tar ({error}); copy it again") from error
