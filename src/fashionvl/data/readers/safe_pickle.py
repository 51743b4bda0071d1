"""Pickle files read as plain data: a pickle is a program, and this reader lets it call nothing."""

import io
import pickle
import struct
from collections.abc import Callable
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


_NOT_PLAIN = {pickle.BYTEARRAY8: "a byte array", pickle.EMPTY_SET: "a set", pickle.FROZENSET: "a set"}
"""Opcodes that need no import and are refused all the same, with what they make."""


def _refusal(code: bytes) -> Callable[[Any], None]:
    def refuse(_: Any) -> None:
        raise InputError(_NOT_PLAIN[code])

    return refuse


def _dictionary(items: list[Any]) -> dict[Any, Any]:
    """Pair keys and values that follow each other; a tuple is no key."""
    keys = items[::2]
    if any(isinstance(key, tuple) for key in keys):
        raise InputError("a dictionary with tuples as keys")
    return dict(zip(keys, items[1::2], strict=True))


class _PlainUnpickler(pickle._Unpickler):
    """Plain containers, strings, bytes, numbers, booleans and None need no import; all else does.

    The unpickler written in Python, not the faster one in C: that one keeps its memo in an array as long as
    the largest number in the file, so that one damaged byte can ask for 64 GiB. Byte arrays, which reserve
    their memory before a byte of theirs is read, are not plain. Nor are sets, or tuples as keys: the hash of
    tuples within tuples, each holding the next twice, takes longer than anyone waits.
    """

    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]
    dispatch: ClassVar[dict[int, Any]] = {
        **pickle._Unpickler.dispatch,
        **{code[0]: _refusal(code) for code in _NOT_PLAIN},
    }

    def load_dict(self) -> None:
        """Build a dictionary of pairs since the last mark."""
        items = self.pop_mark()
        self.append(_dictionary(items))

    dispatch[pickle.DICT[0]] = load_dict

    def load_setitem(self) -> None:
        """Add one pair to a dictionary."""
        value, key = self.stack.pop(), self.stack.pop()
        self.stack[-1].update(_dictionary([key, value]))

    dispatch[pickle.SETITEM[0]] = load_setitem

    def load_setitems(self) -> None:
        """Add the pairs since the last mark to a dictionary."""
        items = self.pop_mark()
        self.stack[-1].update(_dictionary(items))

    dispatch[pickle.SETITEMS[0]] = load_setitems

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
