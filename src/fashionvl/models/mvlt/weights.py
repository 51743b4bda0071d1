"""Weights in and out: our own checkpoints, the released MVLT's, and PVT-v1 to start from.

No load drops anything silently. A key of the model or of the file that finds no partner is on that load's
documented list and in its `LoadReport`; any other fails the load with one line.
"""

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from fashionvl.errors import InputError
from fashionvl.files.saved_model import WEIGHTS_NAME, model_folder
from fashionvl.models.blocks.checkpoints import locate_weights, read_state
from fashionvl.models.blocks.loading import LoadReport, check_weights, load_state, shapes_of
from fashionvl.models.mvlt.encoder import Encoder, Stage, resize_positions
from fashionvl.models.mvlt.names import is_visual, position_table, released_name, transformers_names

__all__ = ["LoadReport", "load_encoder", "load_pvt", "load_released", "load_state", "to_released"]

log = logging.getLogger(__name__)

HEADS = ("matching", "language", "category", "subcategory", "decoder")
SHARED = ("encoder", "text_embeddings")
"""Parts that `MVLTDualEncoder` and MVLT share."""
TIED_DECODER = "mlm_head.mlm_decoder.weight"
WORD_EMBEDDINGS = "text_embeddings.word_embeddings.weight"
# `position_ids` is a constant that transformers 4.10 saved; t2i_head is surplus to a model with the U-Net.
RELEASED_SURPLUS = re.compile(r"text_embeddings\.position_ids|t2i_head\..+")
# PVT's class token, final norm and ImageNet classifier have no place in MVLT.
PVT_SURPLUS = re.compile(
    r"cls_token|norm\.(weight|bias)|head\.(weight|bias)"
    r"|encoder\.patch_embeddings\.3\.cls_token|encoder\.layer_norm\.(weight|bias)|classifier\.(weight|bias)"
)


def load_released(model: nn.Module, path: str | Path) -> LoadReport:
    """Load a checkpoint of the released code (`checkpoint_retrieval.pth`, `checkpoint_recognition.pth`).

    Position tables are taken over at their own size (224 px in the published checkpoints) and resized at
    every forward, as the released code does; `model.config` follows. They may become new parameters, so
    load before making an optimizer.

    A head may be absent as a whole: the released code leaves out the heads it does not train. With the
    U-Net the file's `t2i_head` stays unused and is reported; `decoder: partial` loads it.

    Raises:
        InputError: other keys are missing or left over, or sizes differ; the line names them.
    """
    source = str(path)
    state = read_state(Path(path))
    decoder = state.pop(TIED_DECODER, None)
    if decoder is not None and not torch.equal(decoder, state.get(WORD_EMBEDDINGS, decoder)):
        raise InputError(f"{source}: {TIED_DECODER} differs from {WORD_EMBEDDINGS}, but MVLT ties them")
    shapes = shapes_of(model)
    names = {released: key for key in shapes if (released := released_name(key)) is not None}
    found = {names[name]: value for name, value in state.items() if name in names}
    absent = [head for head in HEADS if not any(key.startswith(f"{head}.") for key in found)]
    report = LoadReport(
        missing=[key for key in shapes if key.split(".")[0] in absent],
        unexpected=[name for name in state if name not in names],
    )
    tables = _square_tables(model, found)
    check_weights(
        shapes | {key: table.shape for key, table in tables.items()}, found, report, source, RELEASED_SURPLUS
    )
    for index, stage in enumerate(_stages(model)):
        if position_table(index) in tables:
            own, table = stage.visual_positions, tables[position_table(index)]
            stage.visual_positions = nn.Parameter(table.to(own, copy=True))
    return _copy(model, found, report, source)


def to_released(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our state dict under the released names, with the tied decoder matrix; the U-Net has no name there."""
    named = {name: value for key, value in state.items() if (name := released_name(key)) is not None}
    return named | {TIED_DECODER: named[WORD_EMBEDDINGS].clone()}


def load_pvt(model: nn.Module, source: str) -> LoadReport:
    """Start the visual path from PVT-v1 weights; text path and heads keep theirs.

    Position tables of another image size are interpolated once, here; stage 4's [CLS] slot is kept as it is.

    Args:
        model: the model to fill.
        source: a hub id or folder in `transformers`' format, or a file in it or under the original PVT names.

    Raises:
        InputError: nothing there, keys are missing or left over, or sizes differ; the line names them.
    """
    state = {key.removeprefix("pvt."): value for key, value in read_state(locate_weights(source)).items()}
    names_of = _original_names if "patch_embed1.proj.weight" in state else transformers_names
    shapes = shapes_of(model)
    visual = {key: names_of(key) for key in shapes if is_visual(key)}
    found = {
        key: torch.cat([state[name] for name in names])
        for key, names in visual.items()
        if all(name in state for name in names)
    }
    used = {name for names in visual.values() for name in names}
    resized = _resized_tables(model, found)
    report = LoadReport(
        missing=[key for key in shapes if not is_visual(key)],
        unexpected=[name for name in state if name not in used],
        resized=list(resized),
    )
    found |= resized
    check_weights(shapes, found, report, source, PVT_SURPLUS)
    return _copy(model, found, report, source)


def load_encoder(model: nn.Module, source: str) -> LoadReport:
    """Take encoder and word embeddings of another network of ours; the heads keep their weights.

    Args:
        model: an MVLT.
        source: a run or saved model of `MVLTDualEncoder` or MVLT.

    Raises:
        InputError: nothing is there, or the sizes differ; the line names the first tensors that do.
    """
    folder = model_folder(source)
    if folder is None:
        raise InputError(
            f"model.init_args.network.init_args.pretrained_encoder: {source} is neither a finished run nor a "
            "saved model"
        )
    file = folder / WEIGHTS_NAME
    shapes = shapes_of(model)
    state = read_state(file, wrapped=False)
    found = {key: value for key, value in state.items() if key.split(".")[0] in SHARED}
    report = LoadReport(missing=[key for key in shapes if key.split(".")[0] not in SHARED])
    report.unexpected = [key for key in found if key not in shapes]
    check_weights(shapes, {key: found[key] for key in found if key in shapes}, report, str(file))
    return _copy(model, found, report, str(file))


def _original_names(key: str) -> list[str]:
    return [name for name in [released_name(key)] if name is not None]


def _copy(model: nn.Module, found: Mapping[str, Tensor], report: LoadReport, source: str) -> LoadReport:
    model.load_state_dict(
        found, strict=False
    )  # what is missing or left over is in the report, and was checked
    level = (
        logging.WARNING if any(name.startswith("t2i_head") for name in report.unexpected) else logging.INFO
    )
    log.log(level, "%s: %s", source, report)
    return report


def _stages(model: nn.Module) -> list[Stage]:
    return list(cast(Encoder, model.get_submodule("encoder")).levels)


def _square_tables(model: nn.Module, found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The position tables among `found` that a stage can take, be they of another image size."""
    tables = {}
    for index, stage in enumerate(_stages(model)):
        table, own = found.get(position_table(index)), stage.visual_positions
        if table is None or table.dim() != 3 or table.shape[::2] != own.shape[::2]:
            continue
        if stage.is_table(table.shape[1]):
            tables[position_table(index)] = table
    return tables


def _resized_tables(model: nn.Module, found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The position tables of another image size, interpolated to the model's grids."""
    tables, resized = _square_tables(model, found), {}
    for index, stage in enumerate(_stages(model)):
        key = position_table(index)
        if key in tables and tables[key].shape != stage.visual_positions.shape:
            spare, cells = tables[key].tensor_split([stage.spare_positions], dim=1)
            resized[key] = torch.cat([spare, resize_positions(cells, (stage.side, stage.side))], dim=1)
    return resized
