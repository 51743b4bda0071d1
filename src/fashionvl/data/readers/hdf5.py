"""HDF5 files opened read-only, once in each process, with errors a user can act on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from fashionvl.errors import InputError

LOCKED = ("unable to lock file", "already open for write", "already open for read-only")
"""Parts of HDF5's messages about files that another program has open, or that it cannot lock."""


def open_hdf5(path: Path) -> h5py.File:
    """Open a file for reading.

    Raises:
        InputError: the file is missing, locked, truncated, not HDF5 or not readable.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the path of a Fashion-Gen HDF5 file")
    try:
        return h5py.File(path, "r")
    except PermissionError as error:
        raise InputError(f"{path}: permission denied; make the file readable") from error
    except Exception as error:  # h5py raises nearly anything on damaged bytes
        raise InputError(f"{path}: {_why_closed(path, str(error))}") from error


def _why_closed(path: Path, said: str) -> str:
    """Name the cause that HDF5's message proves, and the remedy."""
    if any(part in said for part in LOCKED):
        return (
            "is locked: another program has it open for writing or stopped while it had, or the file system "
            "has no locks; close that program or, where none is writing, set HDF5_USE_FILE_LOCKING=FALSE"
        )
    if "truncated" in said:
        return _cut_short(path)
    if "signature not found" in said:
        with path.open("rb") as file:
            start = file.read(16)
        begins = f"begins with {start!r}" if start else "is empty"
        return f"is not HDF5 ({path.stat().st_size} bytes; it {begins}); copy or unpack it again"
    return f"cannot be opened as HDF5 ({_one_line(said)}); where it is damaged, copy it again"


def _cut_short(path: Path) -> str:
    return f"is cut short ({path.stat().st_size} bytes), likely a truncated copy; copy it again"


def _one_line(said: str) -> str:
    return " ".join(said.split())


@contextmanager
def sound(path: Path, what: str) -> Iterator[None]:
    """Read from an open file: nearly anything that h5py raises on damaged bytes becomes one line.

    Args:
        path: of the file.
        what: is read, for messages.

    Raises:
        InputError: naming both.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{path}: {what} cannot be read ({_one_line(str(error))}); copy the file again"
        ) from error


def readable_name(name: str | bytes) -> str:
    """The name of an entry of a group; h5py gives names that are not UTF-8 as bytes."""
    return name if isinstance(name, str) else name.decode(errors="backslashreplace")


def find_dataset(file: h5py.File, name: str) -> h5py.Dataset | None:
    """A dataset of a file; None where there is none, such as behind a link that leads nowhere.

    Raises:
        InputError: it is a group.
    """
    found = file.get(name)
    if isinstance(found, h5py.Group):
        held = ", ".join(sorted(map(readable_name, found))) or "nothing"
        raise InputError(
            f"{file.filename}: {name} is a group that holds {held}, expected a dataset; write the values as "
            f"{name} itself"
        )
    return found if isinstance(found, h5py.Dataset) else None


def mapped_dataset(dataset: h5py.Dataset) -> np.ndarray | None:
    """A dataset as it lies in its file, mapped into memory read-only.

    That works where it lies in one piece, neither chunked nor compressed nor in another file, as the
    photographs of Fashion-Gen do. Nothing is read before it is touched, and all processes of a machine share
    what was.

    Returns:
        Of the dataset's shape and type; None where it does not lie so.

    Raises:
        InputError: the file ends before the dataset does. Touching what is missing would kill the process.
    """
    # The library gives the place in the file, a user block included, and none for any other layout.
    offset = dataset.id.get_offset()
    if offset is None or dataset.chunks is not None:
        return None
    path = Path(dataset.file.filename)
    if path.stat().st_size < offset + dataset.nbytes:
        raise InputError(f"{path}: {_cut_short(path)}")
    whole = np.memmap(path, dataset.dtype, "r", offset, dataset.shape)
    # A plain view: the type `np.memmap` costs more a row than reading it.
    return whole.view(np.ndarray)


class ProcessLocalFile:
    """An HDF5 file that reopens itself in every process it travels to.

    HDF5 handles can be neither pickled nor used after a fork: parent and child would share one file
    position and one library state.
    """

    def __init__(self, path: Path, mapped: bool = True) -> None:
        """Name the file.

        Args:
            path: of the file.
            mapped: let `rows` map datasets into memory where they lie in one piece.
        """
        self.path, self._mapped = path, mapped
        self._opened: tuple[int, h5py.File] | None = None
        self._rows: dict[str, h5py.Dataset | np.ndarray] = {}

    def get(self) -> h5py.File:
        """The open file of this process."""
        if self._opened is None or self._opened[0] != os.getpid():
            if self._opened is not None:
                # A forked child closes what it inherited: HDF5 would otherwise find it open and share it.
                self._opened[1].close()
            self._opened, self._rows = (os.getpid(), open_hdf5(self.path)), {}
        return self._opened[1]

    def rows(self, name: str) -> h5py.Dataset | np.ndarray:
        """A dataset of this process's file for reading row after row: mapped, or through h5py.

        Kept once opened: looking a dataset up takes h5py longer than reading a photograph of it.

        Raises:
            InputError: the file ends before the dataset does.
        """
        file = self.get()
        if name not in self._rows:
            with sound(self.path, name):
                mapped = mapped_dataset(file[name]) if self._mapped else None
                self._rows[name] = file[name] if mapped is None else mapped
        return self._rows[name]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None, "_rows": {}}
