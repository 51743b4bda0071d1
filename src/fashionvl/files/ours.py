"""Files that a command may replace: those that it wrote itself, and nobody has changed since."""

import json
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from fashionvl.errors import InputError
from fashionvl.files.hashing import sha256
from fashionvl.files.whole import written_whole

LEDGER = ".fashionvl-written.json"
"""In a folder that commands write reports or pictures into: SHA-256 of each file they wrote there."""


def check_own(file: Path, begins: str) -> None:
    """Refuse to replace a file, unless it is empty or begins as the command's own output does.

    Raises:
        InputError: naming the file.
    """
    try:
        with file.open("rb") as stream:
            found = stream.read(len(begins.encode()))
    except OSError:
        return  # Nothing is there; what cannot be read is refused when it is written.
    if found not in (b"", begins.encode()):
        raise InputError(
            f"{file}: not written by this command, so it is not replaced; choose another name for --out"
        )


class Ours:
    """The files of a folder that a command writes, checked before anything is written.

    Example:
        >>> ours = Ours(out, ["report.md", "pictures/*"])
        >>> ours.begin()
        >>> write_everything(out)
        >>> ours.remember()
    """

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        """Refuse a folder in which files would be replaced that our commands did not write.

        Args:
            folder: that is written into; it need not exist.
            names: of the files, relative to it; `*` stands for any name.

        Raises:
            InputError: naming the first such file.
        """
        self._folder, self._names = folder, tuple(names)
        ledger = self._ledger()
        for file in self._there():
            name = str(file.relative_to(folder))
            unfinished = any(fnmatch(name, pattern) for pattern in ledger["unfinished"])
            if not unfinished and ledger["files"].get(name) != sha256(file):
                raise InputError(
                    f"{file}: not written by this command, or changed since, so it is not replaced; move it "
                    "away or choose another folder"
                )

    def begin(self) -> None:
        """Note that the files are being written: they are ours even if the command is killed meanwhile."""
        ledger = self._ledger()
        self._write({**ledger, "unfinished": sorted({*ledger["unfinished"], *self._names})})

    def remember(self) -> None:
        """Note the content of each file, now that all are written; nothing where none is."""
        ledger = self._ledger()
        files = {str(file.relative_to(self._folder)): sha256(file) for file in self._there()}
        unfinished = [name for name in ledger["unfinished"] if name not in self._names]
        if files or ledger["files"] or ledger["unfinished"]:
            self._write({"files": {**ledger["files"], **files}, "unfinished": unfinished})

    def _there(self) -> list[Path]:
        return sorted(file for name in self._names for file in self._folder.glob(name) if file.is_file())

    def _ledger(self) -> dict[str, Any]:
        try:
            found = json.loads((self._folder / LEDGER).read_text())
            return {"files": dict(found["files"]), "unfinished": list(found["unfinished"])}
        except (OSError, ValueError, KeyError, TypeError):
            return {"files": {}, "unfinished": []}

    def _write(self, ledger: dict[str, Any]) -> None:
        with written_whole(self._folder / LEDGER) as file:
            file.write((json.dumps(ledger, indent=1) + "\n").encode())
