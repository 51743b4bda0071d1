"""Many run folders in one JSON file: what a report reads of them, without weights, examples and step logs.

The file is `{"schema": 1, "runs": {PATH: RECORD}, "files": TEXT}`. `RECORD` is the run's `metrics.json`;
`TEXT` is a base64 of an xz-compressed tar archive with the other files under `PATH/NAME`: configuration,
epoch and dev curves, per-item arrays. Paths are relative to the folder that was packed.
"""

import base64
import csv
import io
import json
import lzma
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from fashionvl.errors import InputError
from fashionvl.files.whole import written_whole
from fashionvl.runs.places import ON_DISK, Files
from fashionvl.runs.reading import Run, read_run

SCHEMA = 1
"""Version of a bundle; raised when a key changes its meaning."""

EXAMPLES = "examples/"
"""Prefix of the arrays of which only the first example is kept."""

Wanted = Mapping[str, tuple[str, ...]]
"""Names of the arrays to keep, by name of their `.npz` file in a run folder, without the suffix."""


class Bundle:
    """The files of a bundle, under its own path as if it were a folder."""

    def __init__(self, file: Path) -> None:
        """Read a bundle.

        Raises:
            InputError: the file is damaged, is no bundle, or comes from a newer fashionvl.
        """
        self._root = file
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            schema, records, packed = content["schema"], content["runs"], content["files"]
            self._files = dict(_unpacked(base64.b64decode(packed, validate=True)))
        except (ValueError, KeyError, TypeError, lzma.LZMAError, tarfile.TarError, OSError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise InputError(
                f"{file}: no readable bundle of runs ({reason}); `make records` writes one"
            ) from error
        if schema > SCHEMA:
            raise InputError(f"{file}: schema {schema} is newer than {SCHEMA}; update fashionvl")
        self._files |= {f"{run}/metrics.json": json.dumps(record).encode() for run, record in records.items()}
        self._folders = {str(parent) for name in self._files for parent in PurePosixPath(name).parents}

    def read(self, path: Path) -> bytes | None:
        """Content of a file, or None where there is none."""
        return self._files.get(self._name(path))

    def exists(self, path: Path) -> bool:
        """Return whether there is a file or a folder of this path."""
        return self._name(path) in self._files or self._name(path) in self._folders

    def folders(self, path: Path) -> list[str]:
        """Names of the folders directly under a folder, sorted; empty where there is no such folder."""
        here = PurePosixPath(self._name(path))
        return sorted(name.name for name in map(PurePosixPath, self._folders - {"."}) if name.parent == here)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix() if path.is_relative_to(self._root) else str(path)


def open_runs(root: Path) -> Files:
    """The files under a folder of runs, or in a bundle of them.

    Args:
        root: a folder, which need not be there yet, or the `.json` file of a bundle.

    Raises:
        InputError: there is no such bundle, or it is damaged.
    """
    if root.is_file():
        return Bundle(root)
    if root.suffix == ".json":
        raise InputError(f"{root}: no such file; give a folder of runs, or a file that `make records` wrote")
    return ON_DISK


def write_bundle(root: Path, file: Path, wanted: Wanted) -> int:
    """Pack every run folder under a folder.

    Args:
        root: folder of the runs.
        file: to write.
        wanted: the arrays to keep.

    Returns:
        How many runs it holds.

    Raises:
        InputError: there is no run under the folder, or a file of one is damaged.
    """
    runs = [read_run(found.parent) for found in sorted(root.rglob("metrics.json"))]
    if not runs:
        raise InputError(f"{root}: holds no run with a metrics.json")
    records = {run.path.relative_to(root).as_posix(): run.record for run in runs}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for run, name in zip(runs, records, strict=True):
            for inside, content in _kept(run, wanted):
                entry = tarfile.TarInfo(f"{name}/{inside}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    packed = base64.b64encode(lzma.compress(stream.getvalue(), preset=9 | lzma.PRESET_EXTREME)).decode()
    lines = [f"{json.dumps(name)}: {json.dumps(record)}" for name, record in records.items()]
    text = f'{{"schema": {SCHEMA}, "runs": {{\n' + ",\n".join(lines) + f'\n}}, "files": "{packed}"}}\n'
    file.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(file) as target:
        target.write(text.encode())
    return len(runs)


def _kept(run: Run, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of a run that a report reads."""
    for name in ("config.yaml", "failed.json"):
        content = run.read(name)
        if content is not None:
            yield name, content
    log = run.read("metrics.csv")
    if log is not None:
        yield "metrics.csv", _without_steps(log)
    for name, arrays in wanted.items():
        found = run.arrays(name, (), arrays)
        if found:
            if name.startswith(EXAMPLES):
                found = {key: values[:1] for key, values in found.items()}
            yield f"{name}.npz", _stored(found)


def _without_steps(log: bytes) -> bytes:
    """A log of means over epochs and of the dev split, without the values of single steps."""
    rows = csv.reader(io.StringIO(log.decode()))
    kept = [",".join(row) for row in rows if len(row) != 4 or not row[2].endswith("_step")]
    return ("\n".join(kept) + "\n").encode()


def _stored(arrays: dict[str, np.ndarray]) -> bytes:
    """An uncompressed `.npz`, so that arrays which runs share are packed once."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def _unpacked(packed: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(packed))) as archive:
        for entry in archive:
            content: Any = archive.extractfile(entry)
            if content is not None:
                yield entry.name, content.read()
