"""Damage to files, and the outcomes that reading a damaged file may have."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from fashionvl.errors import InputError


def damaged(draw: Callable[[Any], Any], sound: bytes, most: int = 6) -> bytes:
    """Flip, overwrite, remove, repeat and insert bytes of a sound file, and cut it."""
    content = bytearray(sound)
    kinds = st.sampled_from(["byte", "byte", "byte", "bit", "zero", "remove", "repeat", "insert", "cut"])
    for kind in draw(st.lists(kinds, min_size=1, max_size=most)):
        if not content:
            break
        place = draw(st.integers(0, len(content) - 1))
        length = draw(st.integers(1, 40))
        if kind == "byte":
            content[place] = draw(st.integers(0, 255))
        elif kind == "bit":
            content[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == "zero":
            content[place : place + length] = bytes(len(content[place : place + length]))
        elif kind == "remove":
            del content[place : place + length]
        elif kind == "repeat":
            content[place:place] = content[place : place + length]
        elif kind == "insert":
            content[place:place] = draw(st.binary(min_size=1, max_size=8))
        else:
            del content[place:]
    return bytes(content)


def value_or_refusal(read: Callable[[], Any], named: str) -> Any:
    """Return what is read; None after an `InputError` of one line that names the file.

    Anything else that is raised is raised further and fails the test.
    """
    try:
        return read()
    except InputError as error:
        said = str(error)
    assert "\n" not in said, said
    assert named in said, said
    return None
