"""Pickle files read as plain data: a pickle is a program, and this reader lets it call nothing."""

import io
import pickle
import struct
from pathlib import Path
from typing import Any, ClassVar

from fashionvl.data.readers.encoding import FALLBACK
from fashionvl.errors import InputError

_MALFORMED = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
"""Exceptions of the standard unpickler on bytes that are not a pickle."""


class _PlainUnpickler(pickle._Unpickler):
    """Plain containers, strings, bytes, numbers, booleans and None need no import; all else does.

    The unpickler written in Python, not the faster one in C: that one keeps its memo in an array as long as
    the largest number in the file, so that one damaged byte can ask for 64 GiB. Byte arrays, which reserve
    their memory before a byte of theirs is read, are not plain.
    """

    dispatch: ClassVar = {
        code: load for code, load in pickle._Unpickler.dispatch.items() if code != pickle.BYTEARRAY8[0]
    }

    def find_class(self, module: str, name: str) -> Any:
        raise InputError(f"{module}.{name}")


def load_plain(path: Path) -> Any:
    """Read a pickle that holds plain containers, strings, bytes, numbers, booleans and None only.

    Strings pickled by Python 2 are read as UTF-8 or, failing that, as ISO-8859-9.

    Raises:
        InputError: the file is missing, is not a whole pickle, or asks for anything importable. Nothing is
            imported or called: the message names what was asked for.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected a pickle file") from error
    try:
        try:
            return _PlainUnpickler(io.BytesIO(data), encoding="utf-8").load()
        except UnicodeDecodeError:
            return _PlainUnpickler(io.BytesIO(data), encoding=FALLBACK).load()
    except InputError as refused:
        raise InputError(f"{path}: refused, it asks for {refused}; only plain data is admitted") from None
    except _MALFORMED as error:
        raise InputError(f"{path}: not a whole pickle file ({len(data)} bytes); copy it again") from error
