"""HDF5 files opened read-only, once in each process, with errors a user can act on."""

import os
from pathlib import Path
from typing import Any

import h5py

from fashionvl.errors import InputError


def open_hdf5(path: Path) -> h5py.File:
    """Open a file for reading.

    Raises:
        InputError: the file is missing, truncated, not HDF5 or not readable.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the path of a Fashion-Gen HDF5 file")
    try:
        return h5py.File(path, "r")
    except PermissionError as error:
        raise InputError(f"{path}: permission denied; make the file readable") from error
    except OSError as error:
        what = "is cut short" if "truncated" in str(error) else "is not HDF5"
        size = path.stat().st_size
        raise InputError(f"{path}: {what} ({size} bytes), likely a truncated copy; copy it again") from error


class ProcessLocalFile:
    """An HDF5 file that reopens itself in every process it travels to.

    HDF5 handles can be neither pickled nor used after a fork: parent and child would share one file
    position and one library state.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: tuple[int, h5py.File] | None = None

    def get(self) -> h5py.File:
        """The open file of this process."""
        if self._opened is None or self._opened[0] != os.getpid():
            if self._opened is not None:
                # A forked child closes what it inherited: HDF5 would otherwise find it open and share it.
                self._opened[1].close()
            self._opened = os.getpid(), open_hdf5(self.path)
        return self._opened[1]

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "_opened": None}
