"""A timm backbone that gives both a grid of annotation vectors and one pooled vector."""

from typing import Any

from torch import Tensor, nn

from fashionvl.errors import InputError
from fashionvl.models.blocks.cnn import OWN_KEYS, Keys, image_encoder, normalisation, pooled_width


class Trunk(nn.Module):
    """Any timm backbone without its classifier.

    Photographs come in [0, 1] and are normalised with the mean and deviation of the backbone's own
    pre-training.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        pretrained: bool | str = False,
        keys: Keys = OWN_KEYS,
    ) -> None:
        """Build the backbone; the arguments are those of `image_encoder`, which raises its errors."""
        super().__init__()
        self.model = image_encoder(name, arguments, pretrained, keys)
        self.width = pooled_width(self.model)
        for key, value in normalisation(self.model).items():
            self.register_buffer(key, value, persistent=False)

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
