"""Weights in and out: the released TensorFlow variables, and BERT to start from.

From a released checkpoint (`model.ckpt-50683.data-...`, `.index`, `.meta`) to a model:

1. With TensorFlow installed (`pip install fashionvl[tensorflow]`), `read_released("model.ckpt-50683")` reads
   the checkpoint itself; the argument is the part of its files' names before `.index`. Elsewhere, save its
   variables once where TensorFlow is, `numpy.savez("released.npz", **variables)`, under their own names.
2. `load_released(model, path)` fills a `KaleidoBERT` of the same sizes with either file. `convert_released`
   is the step between, for other uses: variables in, our state dict out.
"""

import importlib
import logging
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fashionvl.errors import InputError
from fashionvl.models.blocks.checkpoints import locate_weights, read_state, reason
from fashionvl.models.blocks.loading import LoadReport, check_weights, named, shapes_of
from fashionvl.models.kaleido_bert.names import SCOPE, released_names, transformers_name

log = logging.getLogger(__name__)

# Adam's moments: TensorFlow's own optimizer names them Adam and Adam_1, the released AdamW adam_m and adam_v.
_OPTIMIZER = re.compile(r"(.+/)?(global_step|beta[12]_power|adam_[mv]|Adam(_1)?)")
_LAYER = re.compile(r"bert/encoder/layer_(\d+)/")
# BERT's sentence-pair head, its tied decoder, and a constant that earlier `transformers` saved.
_BERT_SURPLUS = re.compile(
    r"cls\.(seq_relationship\..+|predictions\.decoder\.(weight|bias))|(bert\.)?embeddings\.position_ids"
)
_BERT_HEADS = ("pooler.", "language.")


def convert_released(variables: Mapping[str, np.ndarray], source: str = "variables") -> dict[str, Tensor]:
    """Our state dict of a released model's variables; recognition heads are not among them.

    Args:
        variables: by TensorFlow's names, with or without the scope `kaleido_bert_pre_trained_model/` and a
            final `:0`; the optimizer's are ignored. Kernels are `[in, out]` and are transposed here.
        source: what messages call them.

    Raises:
        InputError: variables are missing or unknown; the line names them.
    """
    found = {_bare(name): value for name, value in variables.items() if not _OPTIMIZER.fullmatch(_bare(name))}
    layers = 1 + max((int(match[1]) for name in found if (match := _LAYER.match(name))), default=0)
    names = released_names(layers)
    known = {name for name, _ in names.values()}
    problems = {"missing": sorted(known - set(found)), "unknown": sorted(set(found) - known)}
    if any(problems.values()):
        parts = [f"{len(keys)} {kind} ({named(keys)})" for kind, keys in problems.items() if keys]
        raise InputError(f"{source}: not the variables of a released Kaleido-BERT: {'; '.join(parts)}")
    return {
        key: torch.from_numpy(np.ascontiguousarray(found[name].T if transposed else found[name]))
        for key, (name, transposed) in names.items()
    }


def to_released(state: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """A model's state dict as released variables, in their scope; recognition heads have no name there.

    Raises:
        InputError: the model has not all of levels 1 to 5.
    """
    names = released_names(1 + max(int(key.split(".")[2]) for key in state if key.startswith("encoder.")))
    if missing := [key for key in names if key not in state]:
        raise InputError(f"levels: the released variables are of levels 1 to 5; missing are {named(missing)}")
    return {
        SCOPE + name: (state[key].T if transposed else state[key]).float().cpu().numpy()
        for key, (name, transposed) in names.items()
    }


def read_released(path: str | Path) -> dict[str, np.ndarray]:
    """The variables of a released model, from an `.npz` of them or a TensorFlow checkpoint.

    Args:
        path: the `.npz` file, or the checkpoint's prefix: its files' names up to `.index`.

    Raises:
        InputError: nothing is there, it is damaged, or TensorFlow is needed and absent.
    """
    path = Path(path)
    if path.suffix == ".npz":
        return _read_npz(path)
    if not path.with_name(f"{path.name}.index").is_file():
        raise InputError(f"{path}: neither an .npz file nor the prefix of a TensorFlow checkpoint")
    try:
        tensorflow = importlib.import_module("tensorflow")
    except ImportError as error:
        raise InputError(
            f"{path}: reading a TensorFlow checkpoint needs TensorFlow: pip install 'fashionvl[tensorflow]'"
        ) from error
    try:
        reader = tensorflow.train.load_checkpoint(str(path))
        return {
            name: reader.get_tensor(name)
            for name in reader.get_variable_to_shape_map()
            if not _OPTIMIZER.fullmatch(_bare(name))
        }
    except (ValueError, RuntimeError, tensorflow.errors.OpError) as error:
        raise InputError(f"{path}: not a readable TensorFlow checkpoint ({reason(error)})") from error


def load_released(model: nn.Module, path: str | Path) -> LoadReport:
    """Fill a model from a file that `read_released` reads; its recognition heads keep their weights.

    Raises:
        InputError: as `read_released` and `convert_released`, or the model has other sizes.
    """
    state, shapes = convert_released(read_released(path), str(path)), shapes_of(model)
    return _fill(
        model,
        state,
        LoadReport(
            missing=[key for key in shapes if key.startswith(("category.", "subcategory."))],
            unexpected=[key for key in state if key not in shapes],
        ),
        str(path),
    )


def load_bert(model: nn.Module, source: str) -> LoadReport:
    """Start text embeddings, encoder, pooler and the masked-word head from a BERT.

    A BERT without pooler or masked-word head leaves those as they were; patches and the other heads have no
    counterpart. A longer position table is cut to the model's `text_positions`.

    Args:
        model: the model to fill.
        source: a hub id such as `bert-base-uncased`, `package:minilm`, or a folder or file in `transformers`'
            format.

    Raises:
        InputError: nothing there, keys are missing or left over, or sizes differ; the line names them.
    """
    state = {_modern(key): value for key, value in read_state(locate_weights(source)).items()}
    shapes = shapes_of(model)
    names = {
        key: _modern(name)
        for key, (released, _) in released_names(_layers(model)).items()
        if (name := transformers_name(released)) is not None
    }
    found = {key: state[name] for key, name in names.items() if name in state}
    positions = "text_embeddings.position.weight"
    if positions in found:
        found[positions] = found[positions][: len(model.get_parameter(positions))]
    absent = [head for head in _BERT_HEADS if not any(key.startswith(head) for key in found)]
    report = LoadReport(
        missing=[key for key in shapes if key not in names or key.startswith(tuple(absent))],
        unexpected=[name for name in state if name not in names.values()],
    )
    return _fill(model, found, report, source, _BERT_SURPLUS)


def _layers(model: nn.Module) -> int:
    return sum(1 for _ in model.get_submodule("encoder.layers").children())


def _fill(
    model: nn.Module,
    found: Mapping[str, Tensor],
    report: LoadReport,
    source: str,
    surplus: re.Pattern[str] | None = None,
) -> LoadReport:
    check_weights(
        shapes_of(model),
        {key: found[key] for key in found if key not in report.unexpected},
        report,
        source,
        surplus,
    )
    model.load_state_dict(found, strict=False)  # what is missing is in the report, and was checked
    log.info("%s: %s", source, report)
    return report


def _bare(name: str) -> str:
    return re.sub(r"^[^/]+/(?=(bert|cls)/)", "", name.removesuffix(":0"))


def _modern(key: str) -> str:
    """A key of `transformers`' BERT without the model's prefix and under PyTorch's names for a norm."""
    return (
        key.removeprefix("bert.")
        .replace("LayerNorm.gamma", "LayerNorm.weight")
        .replace("LayerNorm.beta", "LayerNorm.bias")
    )


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with np.load(path, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a readable .npz of plain arrays ({reason(error)})") from error
