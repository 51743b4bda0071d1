"""Reading state dicts from files, folders and the hub; nothing but tensors and plain data is unpickled."""

import argparse
import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import safetensors
import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from safetensors.torch import load_file
from torch import Tensor

from fashionvl.errors import InputError

WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")  # what `transformers` writes, now and formerly
_UNREADABLE = (
    OSError,
    RuntimeError,
    EOFError,
    KeyError,
    ValueError,
    pickle.UnpicklingError,
    safetensors.SafetensorError,
)


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a state dict from a `.safetensors` or a PyTorch file, there at top level or under `model`.

    PyTorch files are read `weights_only`, with one type admitted beyond tensors and plain containers: the
    `argparse.Namespace` of options that the released training script stores beside the weights.

    Raises:
        InputError: the file is missing, damaged, or holds something else.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint file")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        raise InputError(f"{path}: not a readable checkpoint ({reason(error)})") from error
    state = content.get("model", content) if isinstance(content, Mapping) else content
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{path}: holds no state dict, neither at top level nor under 'model'")
    return dict(state)


def locate_weights(source: str) -> Path:
    """The weight file that a path, a `transformers` folder or a hub id stands for; hub files are downloaded.

    Raises:
        InputError: there is none, or the hub cannot be reached.
    """
    path = Path(source)
    if path.is_dir():
        for name in WEIGHT_FILES:
            if (path / name).is_file():
                return path / name
        raise InputError(f"{source}: the folder holds neither {' nor '.join(WEIGHT_FILES)}")
    if path.is_file():
        return path
    try:
        return Path(_download(source))
    except (OSError, ValueError, EntryNotFoundError) as error:
        raise InputError(
            f"{source}: no such file or folder, and not a hub id that can be fetched ({reason(error)})"
        ) from error


def _download(repository: str) -> str:
    try:
        return hf_hub_download(repository, WEIGHT_FILES[0])
    except EntryNotFoundError:
        return hf_hub_download(repository, WEIGHT_FILES[1])


def reason(error: Exception) -> str:
    """Reduce an error's message to one line."""
    if refused := re.search(r"Unsupported global: GLOBAL (\S+)", str(error)):
        return f"it holds {refused[1]}, which is not plain data"
    return next(iter(str(error).splitlines()), type(error).__name__)
