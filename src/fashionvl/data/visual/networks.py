"""The networks behind kaleido patches, saved beside features and beside the models that read them."""

import shutil
from pathlib import Path
from typing import Protocol

BACKBONE = "backbone"
"""Folder of the network that computes patch features."""

FOREGROUND = "foreground"
"""Folder of the saliency network that finds the box; absent where no network does."""


class SavedBackbone(Protocol):
    """A backbone that can be written to a folder."""

    def digest(self) -> str:
        """SHA-256 of what decides its features."""

    def save(self, folder: Path) -> None:
        """Write it to a folder."""


def copy_networks(features: str | None, folder: Path, backbone: SavedBackbone | None) -> None:
    """Put the networks behind patches into a model's folder, as far as they are known.

    Args:
        features: folder of the feature cache, which holds copies; older ones hold none.
        folder: of the model.
        backbone: of the task, in place of the cache's.
    """
    for name in (BACKBONE, FOREGROUND):
        if features is not None and (Path(features) / name).is_dir():
            shutil.copytree(Path(features) / name, folder / name, dirs_exist_ok=True)
    if backbone is not None:
        backbone.save(folder / BACKBONE)
