"""Sources of the files of run folders: folders on disk, or one file that holds many."""

from pathlib import Path
from typing import Protocol


class Files(Protocol):
    """Read-only files by path."""

    def read(self, path: Path) -> bytes | None:
        """Content of a file, or None where there is none."""

    def exists(self, path: Path) -> bool:
        """Return whether there is a file or a folder of this path."""

    def folders(self, path: Path) -> list[str]:
        """Names of the folders directly under a folder, sorted; empty where there is no such folder."""


class OnDisk:
    """Files of the file system."""

    def read(self, path: Path) -> bytes | None:
        """Content of a file, or None where there is none."""
        return path.read_bytes() if path.exists() else None

    def exists(self, path: Path) -> bool:
        """Return whether there is a file or a folder of this path."""
        return path.exists()

    def folders(self, path: Path) -> list[str]:
        """Names of the folders directly under a folder, sorted; empty where there is no such folder."""
        return sorted(found.name for found in path.iterdir() if found.is_dir()) if path.is_dir() else []


ON_DISK = OnDisk()
