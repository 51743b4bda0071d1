"""Files that are written whole or not at all, and arrays mapped from files once these are found sound."""

from pathlib import Path

import numpy as np

from fashionvl.errors import InputError


def mapped(path: Path, shape: tuple[int, ...], kind: type[np.generic], remedy: str) -> np.ndarray:
    """Map a file that must hold one array.

    Args:
        path: an `.npy` file.
        shape: that it must have.
        kind: of its numbers.
        remedy: what the user is told to do about a file that is not so.

    Raises:
        InputError: it is missing, shorter than its header says, or holds something else.
    """
    expected = f"{shape} {np.dtype(kind)}"
    try:
        # A truncated file is found here: more would have to be mapped than it has.
        found = np.load(path, mmap_mode="r")
    except FileNotFoundError as error:
        raise InputError(f"{path}: missing, expected {expected}; {remedy}") from error
    except (OSError, ValueError, EOFError) as error:
        size, whole = path.stat().st_size, int(np.prod(shape)) * np.dtype(kind).itemsize
        raise InputError(
            f"{path}: truncated or not an array: {size} bytes, expected {expected} of {whole} bytes and a "
            f"header; {remedy}"
        ) from error
    if found.shape != shape or found.dtype != kind:
        raise InputError(f"{path}: holds {found.shape} {found.dtype}, expected {expected}; {remedy}")
    # A plain view: the subclass `memmap` makes every small operation slower.
    return found.view(np.ndarray)
