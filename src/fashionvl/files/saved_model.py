"""Locating the folder of a trained network."""

from pathlib import Path

WEIGHTS_NAME = "model.safetensors"


def model_folder(source: str | Path) -> Path | None:
    """The folder that a network was saved to: a run's `model`, or `source` itself; None if it is neither."""
    places = (Path(source) / "model", Path(source))
    return next((folder for folder in places if (folder / WEIGHTS_NAME).is_file()), None)
