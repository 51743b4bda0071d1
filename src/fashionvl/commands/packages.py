"""Packages of weights that a configuration names, verified before anything heavy is imported."""

from collections.abc import Iterable

from fashionvl.commands.configurations import Given
from fashionvl.errors import InputError
from fashionvl.files.packaged import Kind, is_packaged, packaged_file

KINDS: dict[str, Kind] = {
    "tokenizer": "tokenizer",
    "pretrained_bert": "text encoder",
    "pretrained": "image encoder",
    "weights": "image encoder",
}
"""Last words of the keys that may name a package, and the part of it they take."""


def check_packages(given: Iterable[Given]) -> None:
    """Refuse a package of weights that is unknown, not installed, changed, or of another kind than its key.

    Args:
        given: keys of the files, then of the command line; the last value of a key counts.

    Raises:
        InputError: naming where the key stands.
    """
    last = {key.path: key for key in given if key.path[-1] in KINDS}
    for path, key in last.items():
        if key.value is not None and is_packaged(key.value):
            try:
                packaged_file(key.value, KINDS[path[-1]])
            except InputError as error:
                raise InputError(f"{key.where}: {'.'.join(path)}: {error}") from error
