"""timm networks without classifier: as drawn, with timm's weights, or with those of an installed package."""

from typing import Any, NamedTuple

import timm
import torch
from timm.layers import Conv2dSame
from torch import Tensor, nn

from fashionvl.errors import InputError
from fashionvl.files.packaged import is_packaged, packaged_file
from fashionvl.models.blocks.checkpoints import read_state
from fashionvl.models.blocks.loading import load_state

# timm's names of the networks whose weights come as packages.
_ARCHITECTURES = {"package:efficientnet-lite0": "tf_efficientnet_lite0"}

PADDINGS = ("zeros", "reflect", "replicate", "circular")


class Keys(NamedTuple):
    """Keys of a configuration that error messages name."""

    name: str = "name"
    arguments: str = "arguments"
    weights: str = "weights"


OWN_KEYS = Keys()
"""The names of the arguments of `image_encoder`."""


def image_encoder(
    name: str, arguments: dict[str, Any] | None = None, weights: bool | str = False, keys: Keys = OWN_KEYS
) -> Any:
    """Build a timm network without its classifier; `normalisation` says what it expects of pixels.

    Args:
        name: of a timm model, such as `resnet50` or `tf_efficientnet_lite0`.
        arguments: further ones of `timm.create_model`, such as `channels`; and `padding_mode`, of every
            convolution, where zeros would tell a map where its border is.
        weights: True takes timm's own from the hub, False leaves those drawn; `package:efficientnet-lite0`
            takes those of the installed package.
        keys: of the arguments, for error messages.

    Raises:
        InputError: timm has no such model, it takes no such arguments, its weights cannot be had, or they are
            of another model.
    """
    given = dict(arguments or {})
    padding = given.pop("padding_mode", "zeros")
    if padding not in PADDINGS:
        raise InputError(f"{keys.arguments}: padding_mode {padding!r}; torch has {', '.join(PADDINGS)}")
    if not timm.is_model(name):
        raise InputError(f"{keys.name}: timm has no model {name!r}; see timm.list_models()")
    model = _created(name, given, weights is True, keys)
    if isinstance(weights, str):
        _load_package(model, name, weights, keys)
    for layer in model.modules():
        if isinstance(layer, Conv2dSame) and padding != "zeros":
            raise InputError(
                f"{keys.arguments}: padding_mode {padding!r}, but {name} pads with zeros itself; leave it out"
            )
        if isinstance(layer, nn.Conv2d):
            layer.padding_mode = padding
    return model


def packaged_architecture(weights: str) -> str:
    """Return timm's name of the network that a package's weights are of, such as `tf_efficientnet_lite0`.

    Raises:
        InputError: as `packaged_file`.
    """
    packaged_file(weights, "image encoder")
    return _ARCHITECTURES[weights]


def normalisation(model: Any) -> dict[str, Tensor]:
    """Return `mean` and `std` `[3, 1, 1]` of the pixels in [0, 1] that a timm network was trained with."""
    values = {key: torch.tensor(model.pretrained_cfg[key], dtype=torch.float32) for key in ("mean", "std")}
    return {key: value[:, None, None] for key, value in values.items()}


def pooled_width(model: Any) -> int:
    """Return the length of a timm network's pooled vector."""
    return int(getattr(model, "head_hidden_size", model.num_features))


def _created(name: str, arguments: dict[str, Any], pretrained: bool, keys: Keys) -> Any:
    try:
        return timm.create_model(name, pretrained=pretrained, num_classes=0, **arguments)
    except OSError as error:
        packaged = [source for source, architecture in _ARCHITECTURES.items() if architecture == name]
        raise InputError(
            f"{keys.weights}: timm's weights of {name} were found neither on the Hugging Face Hub nor in its "
            f"cache; connect once, or choose {packaged[0] if packaged else 'others'}"
        ) from error
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{keys.arguments}: timm cannot build {name} with {arguments} ({error})") from error


def _load_package(model: nn.Module, name: str, weights: str, keys: Keys) -> None:
    """Fill a network with the weights of a package, whose tensors come in timm's order under other names."""
    if not is_packaged(weights):
        raise InputError(
            f"{keys.weights}: {weights} is no package of weights; known are {', '.join(_ARCHITECTURES)}"
        )
    if name != (expected := packaged_architecture(weights)):
        raise InputError(f"{keys.name}: {name}, but {weights} is of {expected}; name that")
    with torch.device("meta"):
        names = list(timm.create_model(name).state_dict())
    values = list(read_state(packaged_file(weights, "image encoder")).values())
    if len(values) != len(names):
        raise InputError(
            f"{keys.name}: timm {timm.__version__} builds {name} of {len(names)} tensors, {weights} has "
            f"{len(values)}; install another release of timm"
        )
    own = model.state_dict().keys()
    found = {key: value for key, value in zip(names, values, strict=True) if key in own}
    load_state(model, found, weights)
