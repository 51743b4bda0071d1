"""The manifest of a drawn catalogue: what distinguishes our own output from anybody else's files."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fashionvl.errors import InputError
from fashionvl.files.hashing import sha256
from fashionvl.files.whole import written_whole

MANIFEST = "synthetic.json"
"""Written beside the files of a drawn catalogue."""

SCRATCH = ".synthesize-"
"""First letters of the folder that a catalogue is drawn in; a killed process leaves it behind."""

_LEFTOVERS = (SCRATCH, f".{MANIFEST}.")
_NAMED = 5


def install(drawn: Path, out: Path, names: Sequence[str], settings: dict[str, Any]) -> None:
    """Move the finished files of a catalogue to its folder, under a manifest with each one's SHA-256.

    The manifest comes first and names what was there before, too: an output that a kill left half replaced
    is still recognised as ours.

    Args:
        drawn: folder that holds the files.
        out: the catalogue's folder.
        names: of the files, in the order in which they are moved.
        settings: what decided their bytes.
    """
    new = {name: [sha256(drawn / name)] for name in names}
    before = _listed(out / MANIFEST) or {}
    _write(out, settings, {name: new[name] + before.get(name, []) for name in names})
    for name in names:
        (drawn / name).replace(out / name)
    _write(out, settings, new)


def _write(out: Path, settings: dict[str, Any], files: dict[str, list[str]]) -> None:
    with written_whole(out / MANIFEST) as stream:
        stream.write((json.dumps({"settings": settings, "files": files}, indent=1) + "\n").encode())


def check_replaceable(out: Path, names: Iterable[str], overwrite: bool) -> None:
    """Refuse a folder that holds anything, unless it is an older output and `overwrite` is set.

    An older output has a manifest, and each of the files to be replaced is the one that the manifest
    describes, byte for byte. Other files in such a folder, as indexes or a contact sheet, stay as they are.

    Raises:
        InputError: files would be lost, or mixed with those of a drawn catalogue.
    """
    if not out.is_dir():
        return
    held = sorted(path.name for path in out.iterdir() if not path.name.startswith(_LEFTOVERS))
    if not held:
        return
    listed = _listed(out / MANIFEST)
    if listed is None:
        shown = ", ".join(held[:_NAMED]) + (" ..." if len(held) > _NAMED else "")
        raise InputError(
            f"{out}: holds files that `data synthesize` did not write ({shown}); nothing was changed; give a "
            "new or an empty folder"
        )
    if not overwrite:
        raise InputError(
            f"{out}: holds a catalogue drawn earlier; nothing was changed; give another folder, or "
            "--overwrite to replace it"
        )
    for name in names:
        file = out / name
        there = file.exists() or file.is_symlink()
        if there and not (file.is_file() and sha256(file) in listed.get(name, ())):
            raise InputError(
                f"{file}: not the file that {MANIFEST} describes, so it is not replaced; move it away or "
                "give another folder"
            )


def _listed(manifest: Path) -> dict[str, list[str]] | None:
    """Possible SHA-256 of each file that a manifest lists; None where there is no manifest of ours."""
    try:
        files = json.loads(manifest.read_text())["files"]
        return {str(name): [str(digest) for digest in digests] for name, digests in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
