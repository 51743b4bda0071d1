"""One row's fields, checked: text is text, and a number is a number."""

import re
import reprlib
from typing import Any

from fashionvl.data.readers.encoding import decode
from fashionvl.errors import InputError

INT64 = range(-(2**63), 2**63)


def as_text(value: Any, where: str, field: str) -> str:
    """Text of a field.

    Bytes are decoded as `decode` does it. A list of one entry, which `tolist()` makes of a row of an
    `[N, 1]` data set, stands for its entry.

    Args:
        value: as the file holds it.
        where: file and row or entry, for messages.
        field: of the file, for messages.

    Raises:
        InputError: it is anything else, such as None, NaN, a number or several texts, or text that UTF-8
            cannot hold.
    """
    found = _only(value)
    if isinstance(found, bytes | bytearray):
        return decode(bytes(found)).text
    if not isinstance(found, str):
        raise InputError(f"{where}: {field} is {shown(value)}, expected text")
    try:
        found.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{where}: {field} is {shown(value)}, which UTF-8 cannot hold; expected text without half of a "
            "surrogate pair"
        ) from None
    return found


def as_label(value: Any, where: str, field: str) -> str:
    """Text of a field that may be missing: empty for None and NaN, otherwise as `as_text`.

    Raises:
        InputError: as `as_text`.
    """
    found = _only(value)
    missing = found is None or (isinstance(found, float) and found != found)
    return "" if missing else as_text(value, where, field)


def as_number(value: Any, where: str, field: str) -> int:
    """Whole number of a field: an integer, a float without a fraction, or its decimal digits as text.

    Raises:
        InputError: it is anything else, or beyond 64 bits.
    """
    found = _only(value)
    if isinstance(found, bytes | bytearray):
        found = decode(bytes(found)).text
    if isinstance(found, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,19}\s*", found):
        found = int(found.strip())  # int() alone takes fewer kinds of white space than \s
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if not isinstance(found, int) or isinstance(found, bool):
        raise InputError(f"{where}: {field} is {shown(value)}, expected a number")
    if found not in INT64:
        raise InputError(f"{where}: {field} is {shown(value)}, expected a number of at most 64 bits")
    return found


def shown(value: Any) -> str:
    """A value as messages show it: on one line, shortened."""
    try:
        return reprlib.repr(value)
    except (ValueError, RecursionError):  # integers of more than 4,300 digits
        return f"a huge {type(value).__name__}"


def _only(value: Any) -> Any:
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value
