"""The foreground of photographs by any of the methods compared, for the stages that follow."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from huggingface_hub.constants import CONFIG_NAME

from fashionvl.data.index.foreground import nonwhite_box
from fashionvl.errors import InputError
from fashionvl.files.hashing import sha256
from fashionvl.files.saved_model import WEIGHTS_NAME, model_folder
from fashionvl.models.kaleido_bert.saliency import SaliencyUNet
from fashionvl.patches.crops import crop_resize
from fashionvl.patches.foreground import grabcut_mask, mask_box, threshold_mask, without_specks
from fashionvl.patches.grid import Box

_BATCH = 64


@dataclass(frozen=True)
class Foreground:
    """Detection of the product in a photograph.

    Attributes:
        method: `unet`, a saliency network (Kaleido-BERT section 3.2 and footnote 4); `whole`, the frame as it
            is (section 4.5, schemes 1 and 2); `nonwhite`, the box of the released MVLT code; `threshold` and
            `grabcut` of `fashionvl.patches.foreground`.
        weights: of `unet`: the folder of a saliency run, or of a model written by `save_pretrained`.
    """

    method: Literal["whole", "nonwhite", "threshold", "grabcut", "unet"] = "unet"
    weights: str | None = None


class ForegroundFinder:
    """Finds masks and boxes.

    Attributes:
        digest: of the method and its weights; equal for two finders that find the same.

    Raises:
        InputError: `unet` without weights, or with a folder that holds none.
    """

    def __init__(self, spec: Foreground, device: torch.device | str = "cpu") -> None:
        """Load what the method needs onto `device`."""
        self.spec = spec
        self.digest: str = spec.method
        if spec.method == "unet":
            folder = _model_folder(spec.weights)
            self._network = SaliencyUNet.from_pretrained(folder).to(device)
            self.digest = f"unet-{sha256(folder / WEIGHTS_NAME)[:16]}"

    def save(self, folder: Path) -> None:
        """Copy the network, if there is one; `Foreground("unet", folder)` finds the same."""
        if self.spec.method == "unet":
            shutil.copytree(_model_folder(self.spec.weights), folder, dirs_exist_ok=True)

    def masks(self, images: np.ndarray) -> np.ndarray:
        """Mark the pixels that show the product.

        Args:
            images: `[B, H, W, 3]` uint8.

        Returns:
            `[B, H, W]` bool. Of `whole` and `nonwhite`, which know boxes only: the box, filled.
        """
        if self.spec.method == "unet":
            return network_masks(self._network, images)
        if self.spec.method in ("whole", "nonwhite"):
            masks = np.zeros(images.shape[:3], bool)
            for mask, (x0, y0, x1, y1) in zip(masks, self.boxes(images), strict=True):
                mask[y0:y1, x0:x1] = True
            return masks
        find = threshold_mask if self.spec.method == "threshold" else grabcut_mask
        return _each(find, images, np.empty(images.shape[:3], bool))

    def boxes(self, images: np.ndarray) -> np.ndarray:
        """The smallest box around each product.

        Args:
            images: `[B, H, W, 3]` uint8.

        Returns:
            `[B, 4]` int64 x0, y0, x1, y1, ends exclusive; the whole frame where nothing was found.
        """
        boxes = np.empty((len(images), 4), np.int64)
        if self.spec.method == "whole":
            return _each(_frame, images, boxes)
        if self.spec.method == "nonwhite":
            return _each(nonwhite_box, images, boxes)
        return _each(mask_box, self.masks(images), boxes)


@torch.no_grad()
def network_masks(network: SaliencyUNet, images: np.ndarray) -> np.ndarray:
    """The masks a network finds, at the photographs' own size.

    Photographs are resized to the network's size, its logits back to theirs; specks are removed, since one
    stray pixel would move a box.

    Args:
        network: runs on its own device, in evaluation mode.
        images: `[B, H, W, 3]` uint8.

    Returns:
        `[B, H, W]` bool.
    """
    size, device = images.shape[1:3], next(network.parameters()).device
    training = network.training
    network.eval()
    masks = np.empty(images.shape[:3], bool)
    for start in range(0, len(images), _BATCH):
        some = images[start : start + _BATCH]
        small = np.stack([crop_resize(image, _frame(image), network.image_size) for image in some])
        pixels = torch.from_numpy(small).to(device).permute(0, 3, 1, 2).float().div(255)
        logits = F.interpolate(network(pixels).float(), size=size, mode="bilinear")
        _each(without_specks, (logits[:, 0] > 0).cpu().numpy(), masks[start : start + _BATCH])
    network.train(training)
    return masks


def _each(
    function: Callable[[np.ndarray], np.ndarray | Box], items: np.ndarray, out: np.ndarray
) -> np.ndarray:
    for position, item in enumerate(items):
        out[position] = function(item)
    return out


def _frame(image: np.ndarray) -> Box:
    return 0, 0, image.shape[1], image.shape[0]


def _model_folder(weights: str | None) -> Path:
    if weights is None:
        raise InputError(
            "foreground.weights: null; unet needs the folder of a saliency run or of a saved SaliencyUNet"
        )
    folder = model_folder(weights)
    if folder is not None and (folder / CONFIG_NAME).is_file():
        return folder
    raise InputError(
        f"foreground.weights: {weights} is neither a finished saliency run nor a saved SaliencyUNet"
    )
