"""Parts of an index: folders that say for what they were written, and in which format."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

FORMAT = 1
"""Raised whenever the files of an index change their meaning; older indexes are then rebuilt."""


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Mark a part as complete, and say for what it was written."""
    (folder / "manifest.json").write_text(json.dumps({"format": FORMAT, **content}))


def is_complete(folder: Path, expected: dict[str, Any]) -> bool:
    """Return whether a part is complete, in this format and written for this; remove it otherwise."""
    if not folder.exists():
        return False
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
    except (OSError, ValueError):
        manifest = {}
    if manifest == {"format": FORMAT, **expected}:
        return True
    log.warning("%s: half-written or of another format; building it again", folder)
    shutil.rmtree(folder)
    return False
