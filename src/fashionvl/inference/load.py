"""A saved model and what feeds it, from a run folder, a model's folder or the Hugging Face Hub."""

import importlib
import json
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.constants import CONFIG_NAME
from torch import nn

from fashionvl.data.preparation import FILE, TOKENIZER
from fashionvl.data.visual.networks import BACKBONE, FOREGROUND
from fashionvl.errors import InputError
from fashionvl.files.saved_model import WEIGHTS_NAME, model_folder
from fashionvl.inference.processor import Processor
from fashionvl.models.blocks.checkpoints import reason
from fashionvl.models.blocks.saving import CLASS_PATH
from fashionvl.models.protocols import ReadsPatches, ReadsTokens

OURS = "fashionvl.models."
"""Beginning of the modules whose classes are built from a folder that anyone may have written."""

FOLDERS = (TOKENIZER, BACKBONE, FOREGROUND)
"""Beside the model's own files."""

PATIENCE_SECONDS = 5
"""Seconds the hub may take to answer before it counts as unreachable."""


def load(source: str | Path, trust: bool = False) -> tuple[nn.Module, Processor]:
    """Load a trained model and its processor.

    Nothing is unpickled, and only classes under `fashionvl.models` are built, unless `trust` is set.

    Args:
        source: a run folder such as `runs/laptop/mvlt`, the folder of a saved model, or a hub id.
        trust: also import and build a class of another package, which runs that package's code.

    Returns:
        The model, on the CPU and in evaluation mode, and its processor.

    Raises:
        InputError: nothing is there, the class is refused, a file is missing or damaged, or model and
            processor do not fit.
    """
    folder = _folder(str(source))
    path = folder / CONFIG_NAME
    kind = _kind(_class_path(path), path, trust)
    processor = Processor.load(folder)
    try:
        model = kind.from_pretrained(str(folder))
    except InputError:
        raise
    except (TypeError, ValueError, KeyError, IndexError, ArithmeticError, RuntimeError) as error:
        raise InputError(f"{path}: {kind.__name__} cannot be built from it ({reason(error)})") from error
    _check_fit(model, processor, folder)
    return model.eval(), processor


def _folder(source: str) -> Path:
    folder = model_folder(source)
    if folder is not None:
        return folder
    if Path(source).exists():
        raise InputError(
            f"{source}: holds no {WEIGHTS_NAME}, neither itself nor in model/; name a finished run or a "
            "saved model"
        )
    try:
        wanted = [CONFIG_NAME, WEIGHTS_NAME, FILE, *(f"{name}/*" for name in FOLDERS)]
        found = Path(snapshot_download(source, allow_patterns=wanted, etag_timeout=PATIENCE_SECONDS))
    except Exception as error:  # of the hub's library and of whichever HTTP library is under it
        raise InputError(
            f"{source}: no such folder, and not found on the Hugging Face Hub ({reason(error)})"
        ) from error
    if not (found / WEIGHTS_NAME).is_file():
        raise InputError(f"{source}: found on the Hugging Face Hub, but it holds no {WEIGHTS_NAME}")
    return found


def _class_path(path: Path) -> str:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: missing; save the model with save_pretrained") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error}); copy it again") from error
    named = config.get(CLASS_PATH) if isinstance(config, dict) else None
    if not isinstance(named, str):
        raise InputError(
            f"{path}: no {CLASS_PATH}, the model was saved by an older fashionvl; add its class, such as "
            f'"{CLASS_PATH}": "fashionvl.models.mvlt.model.MVLT"'
        )
    return named


def _kind(named: str, path: Path, trust: bool) -> Any:
    """The class of a model.

    Where `trust` is not set nothing is imported but modules of ours, and the class must be defined in one:
    names that these modules have imported do not count.
    """
    module, _, name = named.rpartition(".")
    if not trust and not module.startswith(OURS):
        raise InputError(
            f"{path}: {CLASS_PATH} {named} is not a class of {OURS.rstrip('.')}; if you trust its code, pass "
            "trust=True (--trust)"
        )
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: {CLASS_PATH} {named} is not there ({reason(error)})") from error
    if not (isinstance(kind, type) and issubclass(kind, nn.Module) and hasattr(kind, "from_pretrained")):
        raise InputError(f"{path}: {CLASS_PATH} {named} is not a torch module with from_pretrained")
    if not trust and not kind.__module__.startswith(OURS):
        raise InputError(
            f"{path}: {CLASS_PATH} {named} is defined in {kind.__module__}, not in {OURS.rstrip('.')}; if "
            "you trust its code, pass trust=True (--trust)"
        )
    return kind


def _check_fit(model: nn.Module, processor: Processor, folder: Path) -> None:
    patches = processor.preparation.patches
    if isinstance(model, ReadsPatches) != (patches is not None):
        reads = "kaleido patches" if patches is None else "pixels"
        raise InputError(f"{folder / FILE}: not of this model, {type(model).__name__} reads {reads}")
    if isinstance(model, ReadsPatches) and patches and model.grid.levels != patches.levels:
        raise InputError(
            f"{folder / FILE}: patches of levels {list(patches.levels)}, but the model has "
            f"{list(model.grid.levels)}"
        )
    words = len(processor.tokenizer)
    if isinstance(model, ReadsTokens) and words > model.vocab_size:
        raise InputError(
            f"{folder / TOKENIZER}: {words} tokens, but the model has embeddings for {model.vocab_size}"
        )
