"""The claim of a run folder: its configuration, starting weights and, later, data.

Content decides, not where it lies: a key that names data or a saved model counts by what is there. The same
files in a renamed folder are the same run.
"""

from collections.abc import Collection
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

DATA_KEYS = ("data.init_args.root", "data.init_args.index_dir", "data.root", "data.index_dir")
"""Keys that say where the data lie; which data they are, their fingerprint says (`RunFolder.check_data`)."""


def decisive(config: dict[str, Any], besides: Collection[str] = ()) -> dict[str, Any]:
    """Return the configuration keys that decide a run's numbers, flat, without those `besides`."""
    return {
        key: value
        for key, value in flatten(plain(config)).items()
        if not within(key, (*RUN_KEYS, *DATA_KEYS)) and key not in besides
    }


def places(config: dict[str, Any]) -> dict[str, Any]:
    """Return where a configuration says that the data lie."""
    return {key: value for key, value in flatten(plain(config)).items() if key in DATA_KEYS}


def claim_of(config: dict[str, Any]) -> dict[str, Any]:
    """Return what a claim holds of a configuration: its hash, and those of the files that it starts from."""
    found = contents(config)
    weights = {f"{key}{part}": value for key, parts in found.items() for part, value in parts.items()}
    return {"config": digest(decisive(config, found)), "weights": weights}


def contents(config: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return the keys that name files a run starts from, each with their SHA-256 by part of the key.

    Such files are saved models and checkpoints, tokenizers, and the manifests of features and alignments.
    """
    found = {}
    for section in ("model", "data"):
        for key, value in flatten(plain(config.get(section))).items():
            if isinstance(value, str) and value and f"{section}.{key}" not in DATA_KEYS:
                files = _decisive_files(Path(value))
                if files:
                    found[f"{section}.{key}"] = {part: sha256(file) for part, file in files.items()}
    return found


def _decisive_files(path: Path) -> dict[str, Path]:
    """The weights of a model at `path`, its tokenizer, or the manifests of features or alignments there."""
    try:
        if path.is_file():
            return {"": path}
    except OSError:  # Too long for a name: a text.
        return {}
    if folder := model_folder(path):
        return {"": folder / WEIGHTS_NAME}
    if (path / "tokenizer.json").is_file():
        return {".tokenizer": path / "tokenizer.json"}
    manifests = {f".{split}": path / split / "manifest.json" for split in ("train", "validation")}
    return {split: file for split, file in manifests.items() if file.is_file()}
