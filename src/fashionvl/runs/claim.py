"""The claim of a run folder: its configuration, starting weights and, later, data."""

from pathlib import Path
from typing import Any

from fashionvl.configuration import digest, flatten, plain, within
from fashionvl.files.hashing import sha256
from fashionvl.files.saved_model import WEIGHTS_NAME, model_folder

RUN_KEYS = (
    "run_dir", "ckpt_path", "then_test", "verbose", "config", "when_changed", "wandb",
    "study", "column", "stage", "trainer.enable_progress_bar", "trainer.enable_model_summary",
)  # fmt: skip
"""Configuration keys that say how to run, not what: they may differ between a run and its continuation."""


def decisive(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration keys that decide a run's numbers, flat."""
    return {key: value for key, value in flatten(plain(config)).items() if not within(key, RUN_KEYS)}


def claim_of(config: dict[str, Any]) -> dict[str, Any]:
    """Return what a claim holds of a configuration: its hash, and those of the weights it starts from."""
    return {"config": digest(decisive(config)), "weights": _starting_weights(config)}


def _starting_weights(config: dict[str, Any]) -> dict[str, str]:
    """SHA-256 of every model, and of what describes features and alignments, that a run starts from."""
    found = {}
    for section in ("model", "data"):
        for key, value in flatten(plain(config.get(section))).items():
            if isinstance(value, str):
                for name, file in _decisive_files(Path(value)).items():
                    found[f"{section}.{key}{name}"] = sha256(file)
    return found


def _decisive_files(path: Path) -> dict[str, Path]:
    """The weights of a model at `path`, or the manifests of what was computed once a photograph."""
    if path.is_file():
        return {"": path}
    if folder := model_folder(path):
        return {"": folder / WEIGHTS_NAME}
    manifests = {f".{split}": path / split / "manifest.json" for split in ("train", "validation")}
    return {split: file for split, file in manifests.items() if file.is_file()}
