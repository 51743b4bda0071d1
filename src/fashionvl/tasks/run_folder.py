"""A run is a folder of plain files: `config.yaml`, `metrics.json`, `metrics.csv`, arrays, checkpoints."""

import json
import subprocess
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from fashionvl.errors import InputError

SCHEMA = 1
"""Of `metrics.json`; raised when a key changes its meaning."""

PACKAGES = ("fashionvl", "torch", "torchvision", "lightning", "transformers", "timm", "numpy", "h5py")

RUN_KEYS = ("run_dir", "ckpt_path", "then_test", "verbose", "config")
"""Configuration keys that say how to run, not what: they may differ between a run and its continuation."""


class RunFolder:
    """One stage of one variant: `fit` and `test` write here, and nothing else is needed to read it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"

    @property
    def last_checkpoint(self) -> Path:
        """Where an interrupted run continues."""
        return self.checkpoints / "last.ckpt"

    @property
    def model(self) -> Path:
        """The trained network, as `save_pretrained` wrote it."""
        return self.path / "model"

    def claim(self, config: dict[str, Any]) -> None:
        """Write `config.yaml`, or check that the run that is there has the same one.

        A folder with a configuration and nothing else, left by a run that failed before its first checkpoint,
        is taken over.

        Raises:
            InputError: the folder holds a run of another configuration; the differing keys are named.
        """
        if self.last_checkpoint.exists() or (self.path / "metrics.json").exists():
            self.check(config)
            return
        _write_whole(
            self.path / "config.yaml",
            yaml.safe_dump(json.loads(json.dumps(config, default=str)), sort_keys=False),
        )

    def check(self, config: dict[str, Any], sections: tuple[str, ...] = ()) -> None:
        """Compare a configuration with the run's, in some sections or in all.

        Raises:
            InputError: they differ; the differing keys are named.
        """
        file = self.path / "config.yaml"
        before = yaml.safe_load(file.read_text()) if file.exists() else config
        if sections:
            before, config = ({key: one.get(key) for key in sections} for one in (before, config))
        differing = _differences(before, json.loads(json.dumps(config, default=str)))
        if differing:
            raise InputError(
                f"{self.path}: holds a run of another configuration ({'; '.join(differing[:5])}); "
                "choose another --run_dir or delete the folder"
            )

    def metrics(self) -> dict[str, Any]:
        """`metrics.json`, or an empty record.

        Raises:
            InputError: the file is not JSON or of a newer schema.
        """
        file = self.path / "metrics.json"
        if not file.exists():
            return {"schema": SCHEMA}
        try:
            found: dict[str, Any] = json.loads(file.read_text())
        except ValueError as error:
            raise InputError(
                f"{file}: not valid JSON ({error}); delete it and run the stage again"
            ) from error
        if found.get("schema", 0) > SCHEMA:
            raise InputError(f"{file}: schema {found['schema']} is newer than {SCHEMA}; update fashionvl")
        return found

    def finished(self, stage: str) -> bool:
        """Whether `fit` or `test` has been recorded."""
        return stage in self.metrics()

    def record(self, **sections: Any) -> None:
        """Add sections to `metrics.json`; the file is replaced in one step."""
        merged = {**self.metrics(), **sections}
        _write_whole(self.path / "metrics.json", json.dumps(merged, indent=1, default=float) + "\n")


def provenance() -> dict[str, Any]:
    """Git commit (None outside a checkout) and versions of the packages that decide the numbers."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {"commit": _commit(), "versions": versions}


def _commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _write_whole(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as scratch:
        scratch.write(text)
    Path(scratch.name).chmod(0o644)
    Path(scratch.name).replace(file)


def _flatten(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, dict) or not node:
        return {prefix: node}
    return {
        key: value
        for name, child in node.items()
        for key, value in _flatten(child, f"{prefix}.{name}" if prefix else str(name)).items()
    }


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    first, second = (
        {k: v for k, v in _flatten(c).items() if k.split(".")[0] not in RUN_KEYS} for c in (before, now)
    )
    return [
        f"{key} was {first.get(key, 'absent')}, is {second.get(key, 'absent')}"
        for key in sorted(first.keys() | second.keys())
        if first.get(key, "absent") != second.get(key, "absent")
    ]
