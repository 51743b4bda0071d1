"""The frozen network that turns kaleido patches into vectors (Kaleido-BERT section 3.2)."""

import hashlib
import json
from pathlib import Path
from typing import Any, Self

import torch
from huggingface_hub.constants import CONFIG_NAME
from safetensors.torch import save_file
from torch import Tensor, nn

from fashionvl.errors import InputError
from fashionvl.files.packaged import is_packaged
from fashionvl.files.saved_model import WEIGHTS_NAME, model_folder
from fashionvl.models.blocks.checkpoints import read_state
from fashionvl.models.blocks.cnn import packaged_architecture
from fashionvl.models.blocks.loading import load_state
from fashionvl.models.kaleido_bert.trunk import Trunk

HUB = "hub"
"""The value of `weights` that stands for timm's own."""

_OF_CAPTIONER = "encoder."


class PatchBackbone(nn.Module):
    """A frozen CNN; its pooled features are what Kaleido-BERT sees of a patch.

    The paper takes "the standard ResNet-50", 2,048 wide; the released code reads such features from files.
    """

    def __init__(
        self,
        name: str | None = "resnet50",
        arguments: dict[str, Any] | None = None,
        weights: str | None = HUB,
    ) -> None:
        """Build and load the network.

        Args:
            name: of a timm model; None takes the one that `weights` is of.
            arguments: further ones of `timm.create_model`; None takes those of the folder in `weights`.
            weights: `hub` for timm's own; `package:efficientnet-lite0` for those of an installed package; a
                captioner's run folder or saved model, whose CNN is taken; None leaves the weights as drawn.

        Raises:
            InputError: timm has no such model, the hub cannot be reached, the package is not installed, or
                the folder holds no captioner or one of another CNN.
        """
        super().__init__()
        packaged = weights if is_packaged(weights) else None
        folder = None if packaged or weights in (None, HUB) else _model_folder(str(weights))
        if folder is not None:
            name, arguments = _encoder_of(folder, name, arguments)
        if packaged and name is None:
            name = packaged_architecture(packaged)
        if name is None:
            raise InputError(
                f"name: null, but weights is {weights}; name a timm model or a captioner's folder"
            )
        self.trunk = Trunk(name, arguments, packaged or weights == HUB)
        if folder is not None:
            file = folder / WEIGHTS_NAME
            state = read_state(file)
            encoder = {
                key.removeprefix(_OF_CAPTIONER): value
                for key, value in state.items()
                if key.startswith(_OF_CAPTIONER)
            }
            load_state(self.trunk, encoder, str(file))
        self.name, self.arguments = name, dict(arguments or {})
        self.requires_grad_(False)
        super().train(False)

    @property
    def width(self) -> int:
        """D, length of a feature."""
        return self.trunk.width

    def train(self, mode: bool = True) -> "PatchBackbone":
        """Stay in evaluation mode."""
        return self

    @torch.no_grad()
    def forward(self, pixel_values: Tensor) -> Tensor:
        """Features `[B, D]` of patches `[B, 3, S, S]` in [0, 1]."""
        return self.trunk.pooled(pixel_values)

    def save(self, folder: Path) -> None:
        """Write architecture and weights; `load` reads them."""
        folder.mkdir(parents=True, exist_ok=True)
        state = {key: value.detach().cpu().contiguous() for key, value in self.trunk.state_dict().items()}
        save_file(state, folder / WEIGHTS_NAME)
        facts = {"name": self.name, "arguments": self.arguments}
        (folder / CONFIG_NAME).write_text(json.dumps(facts, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; nothing is fetched.

        Raises:
            InputError: a file is missing or damaged, or they do not belong together.
        """
        file = folder / CONFIG_NAME
        try:
            facts = json.loads(file.read_text())
            name, arguments = str(facts["name"]), dict(facts["arguments"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{file}: not the configuration of a patch backbone ({error!r})") from error
        backbone = cls(name, arguments, weights=None)
        file = folder / WEIGHTS_NAME
        load_state(backbone.trunk, read_state(file, wrapped=False), str(file))
        return backbone

    def digest(self) -> str:
        """Hexadecimal SHA-256 of what decides the features: architecture, weights and normalisation."""
        seen = hashlib.sha256(json.dumps([self.name, self.arguments], sort_keys=True).encode())
        tensors = {**self.state_dict(), "mean": self.trunk.mean, "std": self.trunk.std}
        for key in sorted(tensors):
            value = tensors[key].detach().cpu().contiguous()
            seen.update(f"{key} {value.dtype} {list(value.shape)}".encode())
            seen.update(value.numpy().tobytes())
        return seen.hexdigest()


def _model_folder(source: str) -> Path:
    folder = model_folder(source)
    if folder is not None and (folder / CONFIG_NAME).is_file():
        return folder
    raise InputError(
        f"weights: {source} is neither a finished captioner run nor a saved captioner; name one, or 'hub'"
    )


def _encoder_of(
    folder: Path, name: str | None, arguments: dict[str, Any] | None
) -> tuple[str, dict[str, Any]]:
    """Name and arguments of a saved captioner's CNN; what the user says has to agree with them."""
    file = folder / CONFIG_NAME
    try:
        saved = json.loads(file.read_text())
        found = str(saved["backbone"]), dict(saved["backbone_arguments"] or {})
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{file}: not the configuration of a captioner; name a captioner's folder"
        ) from error
    for key, given, held in (("name", name, found[0]), ("arguments", arguments, found[1])):
        if given is not None and given != held:
            raise InputError(f"{key}: {given}, but the captioner in {folder} has {held}; write that, or null")
    return found
