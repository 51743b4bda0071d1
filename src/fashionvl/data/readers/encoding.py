"""Text bytes of Fashion-Gen files."""

from typing import NamedTuple

FALLBACK = "iso-8859-9"
"""Encoding of the strings that are not UTF-8, as in the publisher's own notebook."""


class Decoded(NamedTuple):
    """A string and whether its bytes were UTF-8."""

    text: str
    utf8: bool


def decode(raw: bytes) -> Decoded:
    """Decode as UTF-8 or, failing that, as ISO-8859-9, in which every byte is a character."""
    try:
        return Decoded(raw.decode("utf-8"), utf8=True)
    except UnicodeDecodeError:
        return Decoded(raw.decode(FALLBACK), utf8=False)
