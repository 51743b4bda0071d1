"""Check of HDF5's global heaps, in which texts of variable length lie.

HDF5 (2.0 still) walks through a heap without an end where an object in it says that it takes no room, as all
do where a block of the file is zero after an unfinished copy.
"""

import mmap
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import h5py

from fashionvl.errors import InputError

SIGNATURE = b"GCOL\x01\0\0\0"
"""First bytes of a global heap collection (HDF5 File Format Specification 3.0, section III.E): name, version
and three reserved bytes. Its size follows in 8 bytes, as h5py writes lengths, and then its objects."""

HEAD = 16
"""Bytes of the head of a collection, and of each object: index, uses, 4 reserved bytes, size in 8 bytes."""


def check_heaps(path: Path, columns: Iterable[h5py.Dataset], large: h5py.Dataset) -> None:
    """Refuse a file in whose global heaps HDF5 would never come to an end.

    Args:
        path: of the file.
        columns: that will be read; where none is of variable length, no heap is used and none looked at.
        large: a dataset in whose bytes no heap is looked for, to save their reading.

    Raises:
        InputError: a heap is damaged.
    """
    if not any(_variable_text(column) for column in columns):
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for start, stop in _between(_extents(large), len(content)):
            place = content.find(SIGNATURE, start, stop)
            while place >= 0:
                if _endless(content, place):
                    raise InputError(
                        f"{path}: is damaged near byte {place} of its texts; copy the file again"
                    )
                place = content.find(SIGNATURE, place + 1, stop)


def _variable_text(dataset: h5py.Dataset) -> bool:
    text = h5py.check_string_dtype(dataset.dtype)
    return text is not None and text.length is None


def _extents(dataset: h5py.Dataset) -> list[tuple[int, int]]:
    """First and end byte of each piece of a dataset."""
    if dataset.chunks is None:
        offset = dataset.id.get_offset()
        return [] if offset is None else [(offset, offset + dataset.nbytes)]
    found: list[tuple[int, int]] = []
    dataset.id.chunk_iter(lambda chunk: found.append((chunk.byte_offset, chunk.byte_offset + chunk.size)))
    return sorted(found)


def _between(extents: list[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    place = 0
    for start, stop in extents:
        if start > place:
            yield place, start
        place = max(place, stop)
    if place < size:
        yield place, size


def _endless(content: mmap.mmap, place: int) -> bool:
    """Return whether the walk from object to object makes no way."""
    (length,) = struct.unpack_from("<Q", content, place + 8) if place + HEAD <= len(content) else (0,)
    end = min(place + length, len(content))
    place += HEAD
    while place + HEAD <= end:
        index, size = struct.unpack_from("<H6xQ", content, place)
        # Index 0 is the free room, whose size includes its own head; others are padded to 8 bytes.
        step = size if not index else (HEAD + (size + 7) // 8 * 8) % 2**64
        if not step:
            return True
        place += step
    return False
