"""Pictures in folders, zips and tars, listed once and read at random.

What is listed is plain arrays, and reading keeps no position: both travel into worker processes, forked or
spawned, as they are.
"""

import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fashionvl.data.readers.pictures import read_picture
from fashionvl.data.readers.table.listing import UNKNOWN, is_packed, list_pictures
from fashionvl.data.readers.table.unpacking import unpacked
from fashionvl.errors import InputError

MOST_BYTES = 256 * 2**20
"""Largest picture file that is read, compressed or not."""

LONGEST_SIDE = 2**15 - 1
"""Pixels; the index keeps foreground boxes in 16 bits."""

LOCAL_HEADER = 30
"""Bytes before the name in a zip's header of a member (PKWARE APPNOTE 6.3, section 4.3.7)."""

ARRAYS = ("place", "offset", "stored", "size", "crc", "deflated")
"""The columns of `Members`."""


@dataclass
class Members:
    """Picture files of several folders and archives, one row each.

    Attributes:
        places: the folders and archives.
        place: `[N]` int32, which of them.
        offset: `[N]` int64 as in `Member`; so are the others.
        stored: `[N]` int64.
        size: `[N]` int64.
        crc: `[N]` int64.
        deflated: `[N]` bool.
    """

    places: list[Path]
    place: np.ndarray
    offset: np.ndarray
    stored: np.ndarray
    size: np.ndarray
    crc: np.ndarray
    deflated: np.ndarray
    _names: bytes
    _ends: np.ndarray
    _opened: dict[Path, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def listed(cls, places: list[Path], cache: Path) -> "Members":
        """List the pictures of folders and archives.

        Args:
            places: folders, zips and tars. A compressed tar has no random access and is unpacked once.
            cache: folder for what is unpacked.

        Raises:
            InputError: one is missing, damaged or compressed in an unknown way.
        """
        found = [
            (number, member) for number, place in enumerate(places) for member in list_pictures(place, cache)
        ]
        members = [member for _, member in found]
        return cls(
            places=[unpacked(place, cache) if is_packed(place) else place for place in places],
            place=np.array([number for number, _ in found], np.int32),
            offset=np.array([member.offset for member in members], np.int64),
            stored=np.array([member.stored for member in members], np.int64),
            size=np.array([member.size for member in members], np.int64),
            crc=np.array([member.crc for member in members], np.int64),
            deflated=np.array([member.deflated for member in members], bool),
            **_packed_names([member.name for member in members]),
        )

    def __len__(self) -> int:
        return len(self.place)

    def name(self, row: int) -> str:
        """Path of one file below its folder or inside its archive."""
        return self._names[self._ends[row - 1] if row else 0 : self._ends[row]].decode(
            errors="surrogateescape"
        )

    def where(self, row: int) -> str:
        """One file in messages: its archive or folder, and its path."""
        return f"{self.places[self.place[row]]}/{self.name(row)}"

    def take(self, rows: np.ndarray) -> "Members":
        """The files of some rows `[M]`, in their order."""
        arrays = {part: getattr(self, part)[rows] for part in ARRAYS}
        return Members(self.places, **arrays, **_packed_names([self.name(int(row)) for row in rows]))

    def read(self, row: int) -> bytes:
        """The bytes of one file.

        Raises:
            InputError: it cannot be read, is cut short, damaged or larger than `MOST_BYTES`.
        """
        if max(self.size[row], self.stored[row]) > MOST_BYTES:
            raise InputError(
                f"{self.where(row)}: {self.size[row]:,} bytes, more than {MOST_BYTES:,}; reduce it"
            )
        place = self.places[self.place[row]]
        try:
            if self.offset[row] == UNKNOWN:
                return (place / self.name(row)).read_bytes()
            data = self._stored(place, row)
            if self.deflated[row]:
                # A limit of 0 would be none.
                data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, max(int(self.size[row]), 1))
        except (OSError, zlib.error) as error:
            raise InputError(f"{self.where(row)}: cannot be read ({error}); copy it again") from error
        if len(data) != self.size[row] or (self.crc[row] != UNKNOWN and zlib.crc32(data) != self.crc[row]):
            raise InputError(f"{self.where(row)}: damaged or cut short; copy the archive again")
        return data

    def picture(self, row: int) -> np.ndarray:
        """One picture decoded: `[H, W, 3]` uint8 RGB.

        Raises:
            InputError: as `read` and `read_picture` do, or a side is longer than `LONGEST_SIDE`.
        """
        picture = read_picture(self.read(row), self.where(row))
        height, width = picture.shape[:2]
        if max(height, width) > LONGEST_SIDE:
            raise InputError(f"{self.where(row)}: {width} x {height} pixels; at most {LONGEST_SIDE:,} a side")
        return picture

    def _stored(self, place: Path, row: int) -> bytes:
        """The bytes of one member as they lie in an archive."""
        opened = self._opened.get(place)
        if opened is None or opened[0] != os.getpid():
            self._opened[place] = opened = (os.getpid(), os.open(place, os.O_RDONLY))
        start = int(self.offset[row])
        if self.crc[row] != UNKNOWN:
            header = os.pread(opened[1], LOCAL_HEADER, start)
            start += LOCAL_HEADER + sum(int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
        return os.pread(opened[1], int(self.stored[row]), start)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": {}}


def _packed_names(names: list[str]) -> dict[str, Any]:
    """Names as one piece of bytes, which costs little to hand to a process."""
    encoded = [name.encode(errors="surrogateescape") for name in names]
    return {"_names": b"".join(encoded), "_ends": np.cumsum([len(name) for name in encoded], dtype=np.int64)}
