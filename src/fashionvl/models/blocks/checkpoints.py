"""Reading state dicts from files, folders and the hub; nothing but tensors and plain data is unpickled."""

import argparse
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from safetensors.torch import load_file
from torch import Tensor

from fashionvl.errors import InputError
from fashionvl.files.packaged import is_packaged, packaged_file
from fashionvl.models.blocks.loading import named
from fashionvl.models.blocks.weight_files import cut_short, weight_format
from fashionvl.models.blocks.wrappers import WRAPPERS, unwrapped

WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")  # what `transformers` writes, now and formerly
_UNREADABLE = (
    OSError,
    RuntimeError,
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
    AssertionError,
    MemoryError,
    safetensors.SafetensorError,
)
_OBJECT = re.compile(r"(?:GLOBAL|[Cc]lass|[Tt]ype) [\"'<]*(?:class ')?([A-Za-z_]\w*(?:\.\w+)+)")


def read_state(path: Path, wrapped: bool = True) -> dict[str, Tensor]:
    """Read a state dict from a `.safetensors` or a PyTorch file, whatever is put around it (`unwrapped`).

    PyTorch files are read `weights_only`, with one type admitted beyond tensors and plain containers: the
    `argparse.Namespace` of options that the released training script stores beside the weights.

    Args:
        path: of the file.
        wrapped: False takes names as they are written, for files of our own.

    Raises:
        InputError: the file is missing, cut short, damaged, or holds something else.
    """
    kind = weight_format(path)
    try:
        content: Any = load_file(path) if kind == "safetensors" else _load(path)
    except (EOFError, pickle.UnpicklingError, *_UNREADABLE) as error:
        raise unreadable(path, error) from error
    state = content if kind == "safetensors" and not wrapped else unwrapped(content)
    if state is None:
        raise InputError(f"{path}: holds no state dict, neither at top level nor under {_held(content)}")
    return state


def _load(path: Path) -> Any:
    # A stream: of a path, torch would let the name decide the format.
    with (
        torch.serialization.safe_globals([argparse.Namespace]),
        warnings.catch_warnings(action="ignore", category=UserWarning),
        path.open("rb") as stream,
    ):
        return torch.load(stream, map_location="cpu", weights_only=True)


def _held(content: Any) -> str:
    known = ", ".join(f"'{key}'" for key in WRAPPERS)
    if isinstance(content, Mapping):
        return f"{known}; its keys are {named([str(key) for key in content]) or 'none'}"
    return f"{known}; it is a {type(content).__name__}"


def unreadable(path: Path, error: Exception) -> InputError:
    """Return the refusal of a file that torch could not read; it never advises to unpickle other objects."""
    text = str(error)
    if isinstance(error, EOFError) or re.search(r"unexpected (EOF|pos)|truncated|Ran out of input", text):
        return cut_short(path)
    if isinstance(error, pickle.UnpicklingError) or "weights_only" in text:
        found = _OBJECT.search(text)
        what = (
            f"it holds {found[1]}, which is not plain data"
            if found
            else "no state dict, or more than plain data"
        )
        return InputError(
            f"{path}: not a readable checkpoint ({what}); where it was made, save the state_dict() alone"
        )
    return InputError(f"{path}: not a readable checkpoint ({reason(error)})")


def locate_weights(source: str) -> Path:
    """The weight file that a path, a `transformers` folder or a hub id stands for; hub files are downloaded.

    `package:minilm` stands for the file of the installed package.

    Raises:
        InputError: there is none, the hub cannot be reached, or the package is not installed.
    """
    if is_packaged(source):
        return packaged_file(source, "text encoder")
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
    return next(iter(str(error).splitlines()), type(error).__name__)
