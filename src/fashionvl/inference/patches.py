"""Photographs as kaleido patches outside of training: foreground, grid, frozen backbone."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from fashionvl.data.preparation import FILE, PatchPreparation
from fashionvl.data.records import Patches
from fashionvl.data.visual.networks import BACKBONE, FOREGROUND
from fashionvl.errors import InputError
from fashionvl.files.saved_model import WEIGHTS_NAME
from fashionvl.models.kaleido_bert.backbone import PatchBackbone
from fashionvl.patches.crops import Variants
from fashionvl.patches.grid import KaleidoGrid, grown
from fashionvl.tasks.kaleido.foreground import Foreground, ForegroundFinder


class PatchReader:
    """Turns photographs into the patch features that a model was trained on.

    The functions are those that write a feature cache; the networks are checked against the digests of
    `processor.json`.
    """

    def __init__(self, facts: PatchPreparation, folder: Path) -> None:
        """Load the networks saved beside a model.

        Args:
            facts: of the model.
            folder: of the model.

        Raises:
            InputError: a network is missing, or another one than the features came from.
        """
        self._facts = facts
        self._grid = KaleidoGrid(facts.levels)
        self._backbone = PatchBackbone.load(_saved(folder / BACKBONE, "the patch backbone"))
        if self._backbone.digest() != facts.backbone:
            raise InputError(
                f"{folder / BACKBONE}: another backbone than the model's features came from ({FILE} has "
                f"{facts.backbone[:16]}); save the one of the features run there"
            )
        self._finder = ForegroundFinder(_foreground(facts.foreground, folder))
        if self._finder.digest != facts.foreground:
            raise InputError(
                f"{folder / FOREGROUND}: finds other boxes ({self._finder.digest}) than the model was "
                f"trained with ({facts.foreground}); save that saliency network there"
            )

    def __call__(self, photographs: Sequence[np.ndarray]) -> Patches:
        """Patches of N photographs, each `[H, W, 3]` uint8."""
        features, places = zip(*(self._read(image) for image in photographs), strict=True)
        return Patches(torch.stack(features), torch.from_numpy(np.stack(places)))

    def _read(self, image: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
        """Features `[P, D]` and positions `[P, 5]` of one photograph."""
        frame = (image.shape[1], image.shape[0])
        x0, y0, x1, y1 = self._finder.boxes(image[None])[0].tolist()
        box = grown((x0, y0, x1, y1), max(self._grid.levels), frame)
        which = np.arange(self._grid.patches)
        crops = Variants(self._grid).cut(image, box, self._facts.patch_size, which)
        pixels = torch.from_numpy(crops).permute(0, 3, 1, 2).float().div(255)
        features = self._backbone(pixels)
        if self._facts.precision == "float16":
            features = features.half()
        return features, self._grid.positions(np.array(box), frame, self._facts.position_unit)


def _foreground(digest: str, folder: Path) -> Foreground:
    if digest.startswith("unet-"):
        return Foreground("unet", str(_saved(folder / FOREGROUND, "the saliency network")))
    if digest in ("whole", "nonwhite", "threshold", "grabcut"):
        return Foreground(digest)  # type: ignore[arg-type]  # one of its values
    raise InputError(f"{folder / FILE}: foreground {digest!r} is unknown; update fashionvl")


def _saved(folder: Path, network: str) -> Path:
    if (folder / WEIGHTS_NAME).is_file():
        return folder
    raise InputError(
        f"{folder}: missing, the model reads kaleido patches and {network} behind them is not saved with it; "
        "run the features stage again with this version, or save that network there"
    )
