"""Crash reports: what a maintainer needs to know about an error that nobody foresaw."""

import datetime
import importlib.metadata
import os
import platform
import shlex
import sys
import traceback
from contextvars import ContextVar
from pathlib import Path

RUN_FOLDER: ContextVar[Path | None] = ContextVar("run_folder", default=None)
"""Folder of the run in progress; None before one is claimed."""

LIBRARIES = ("fashionvl", "torch", "lightning", "transformers", "tokenizers", "jsonargparse", "h5py", "numpy")


def write_report(error: BaseException, words: list[str]) -> Path | None:
    """Write traceback, command line and versions to `crash.txt`; None if that cannot be written.

    It lies in the run's folder or, before there is one, in `runs/` of the current folder.
    """
    rank = next((os.environ[key] for key in ("RANK", "LOCAL_RANK", "SLURM_PROCID") if key in os.environ), "0")
    file = (RUN_FOLDER.get() or Path("runs")) / ("crash.txt" if rank == "0" else f"crash-{rank}.txt")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(report(error, words), encoding="utf-8")
    except OSError:
        return None
    return file


def report(error: BaseException, words: list[str]) -> str:
    """Return the text of a crash report."""
    versions = [f"{name} {_version(name)}" for name in LIBRARIES]
    lines = [
        f"when: {datetime.datetime.now(datetime.UTC).isoformat(timespec='seconds')}",
        f"command: fashionvl {shlex.join(words)}",
        f"python: {platform.python_version()} on {platform.platform()}, {sys.executable}",
        f"versions: {', '.join(versions)}",
        "",
        *traceback.format_exception(error),
    ]
    return "\n".join(line.rstrip("\n") for line in lines) + "\n"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
