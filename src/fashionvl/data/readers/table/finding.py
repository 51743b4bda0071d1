"""Search for the picture file that a cell of a table names."""

import unicodedata
from collections.abc import Iterable

from fashionvl.data.readers.table.archives import Members
from fashionvl.data.readers.table.listing import is_picture


class PictureFinder:
    """Picture files by path, by the end of a path, and by name without its ending.

    A cell means the file of exactly that path, or else the only file for which the longer of the two paths
    ends in the shorter; `1.jpg`, `images/1.jpg` and `/home/me/set/images/1.jpg` all mean `set/images/1.jpg`.
    A cell without a picture's ending means that of any.
    """

    def __init__(self, members: Members) -> None:
        self._exact: dict[str, list[int]] = {}
        self._by_file: dict[str, list[tuple[list[str], int]]] = {}
        self._by_stem: dict[str, list[tuple[list[str], int]]] = {}
        for row in range(len(members)):
            name = _plain(members.name(row))
            stem = name.rpartition(".")[0]
            self._exact.setdefault(name, []).append(row)
            self._by_file.setdefault(name.split("/")[-1], []).append((name.split("/"), row))
            self._by_stem.setdefault(stem.split("/")[-1], []).append((stem.split("/"), row))

    def find(self, cell: str) -> tuple[int, str]:
        """The row of the file that a cell means, or -1 and what is wrong."""
        name = _plain(cell)
        parts = name.split("/")
        found = self._exact.get(name) or _ending_alike(parts, self._by_file.get(parts[-1], ()))
        if not found and not is_picture(parts[-1]):
            found = _ending_alike(parts, self._by_stem.get(parts[-1], ()))
        if len(found) == 1:
            return found[0], ""
        return -1, "several pictures of this name" if found else "no such picture"


def _plain(path: str) -> str:
    """A path with one way of writing it: accents composed, `/` between parts, none of them `.` or empty."""
    parts = unicodedata.normalize("NFC", path.strip()).replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def _ending_alike(parts: list[str], candidates: Iterable[tuple[list[str], int]]) -> list[int]:
    found = []
    for other, row in candidates:
        shared = min(len(parts), len(other))
        if parts[-shared:] == other[-shared:]:
            found.append(row)
    return found
