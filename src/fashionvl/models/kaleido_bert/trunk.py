"""A timm backbone that gives both a grid of annotation vectors and one pooled vector."""

from typing import Any

import timm
import torch
from torch import Tensor, nn

from fashionvl.errors import InputError

PADDINGS = ("zeros", "reflect", "replicate", "circular")


class Trunk(nn.Module):
    """Any timm backbone without its classifier.

    Photographs come in [0, 1] and are normalised with the mean and deviation of the backbone's own
    pre-training.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, arguments: dict[str, Any] | None = None, pretrained: bool = False) -> None:
        """Build the backbone.

        Args:
            name: of a timm model, such as `resnet50`.
            arguments: further ones of `timm.create_model`, such as `channels`; and `padding_mode`, of every
                convolution, where zeros would tell a map where its border is.
            pretrained: load timm's weights from the hub.

        Raises:
            InputError: timm has no such model, it takes no such arguments, or its weights cannot be had.
        """
        super().__init__()
        self.model = _create(name, dict(arguments or {}), pretrained)
        self.width = int(getattr(self.model, "head_hidden_size", self.model.num_features))
        for key in ("mean", "std"):
            value = torch.tensor(self.model.pretrained_cfg[key], dtype=torch.float32)
            self.register_buffer(key, value[:, None, None], persistent=False)

    def level(self, reduction: int) -> tuple[int, int]:
        """Number and channels of the deepest map with this stride in pixels.

        Raises:
            InputError: the backbone has no map of this stride.
        """
        info = list(self.model.feature_info)
        found = [place for place, stage in enumerate(info) if stage["reduction"] == reduction]
        if not found:
            strides = ", ".join(str(stride) for stride in sorted({stage["reduction"] for stage in info}))
            raise InputError(f"reduction: the backbone has no map of stride {reduction}; it has {strides}")
        return found[-1], int(info[found[-1]]["num_chs"])

    def pooled(self, pixel_values: Tensor) -> Tensor:
        """One vector a photograph: `[B, D]` of `[B, 3, H, W]` in [0, 1]."""
        vectors: Tensor = self.model(self._normalised(pixel_values))
        return vectors

    def grid(self, pixel_values: Tensor, level: int) -> Tensor:
        """The map `[B, C, g, g]` of a level; later stages are not run."""
        (found,) = self.model.forward_intermediates(
            self._normalised(pixel_values), indices=[level], stop_early=True, intermediates_only=True
        )
        return found

    def _normalised(self, pixel_values: Tensor) -> Tensor:
        return (pixel_values - self.mean) / self.std


def _create(name: str, arguments: dict[str, Any], pretrained: bool) -> Any:
    padding = arguments.pop("padding_mode", "zeros")
    if padding not in PADDINGS:
        raise InputError(f"arguments: padding_mode {padding!r}; torch has {', '.join(PADDINGS)}")
    if not timm.is_model(name):
        raise InputError(f"name: timm has no model {name!r}; see timm.list_models()")
    try:
        model = timm.create_model(name, pretrained=pretrained, num_classes=0, **arguments)
    except OSError as error:
        raise InputError(
            f"weights: timm's weights of {name} were found neither on the Hugging Face Hub nor in its "
            "cache; connect once, or name a captioner's folder"
        ) from error
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"arguments: timm cannot build {name} with {arguments} ({error})") from error
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            layer.padding_mode = padding
    return model
