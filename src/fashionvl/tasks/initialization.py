"""Where a task's starting weights come from, what of a network learns, and whether it fits the data."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from torch import nn

from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.errors import InputError
from fashionvl.files.saved_model import WEIGHTS_NAME, model_folder
from fashionvl.models.blocks.checkpoints import read_state
from fashionvl.models.blocks.loading import load_state
from fashionvl.models.kaleido_bert.backbone import PatchBackbone
from fashionvl.models.kaleido_bert.model import KaleidoBERT


class HasHeads(Protocol):
    """A network whose heads are chosen among by tasks."""

    def heads(self) -> dict[str, nn.Module]:
        """Every head by what it answers."""


@runtime_checkable
class Loadable(Protocol):
    """A network that knows the released checkpoints of its kind."""

    def load_released(self, path: Path) -> Any:
        """Fill the network from a checkpoint that its authors published."""


def train_heads(network: HasHeads, names: Collection[str]) -> None:
    """Let only these heads learn: one without a loss would have no gradient, which DDP refuses."""
    for name, head in network.heads().items():
        head.requires_grad_(name in names)


def load_weights(network: nn.Module, source: str) -> None:
    """Fill a network from an earlier run.

    Args:
        network: of the same configuration; a `Loadable` one for released checkpoints.
        source: a run folder, a folder written by `save_pretrained`, or a released checkpoint.

    Raises:
        InputError: nothing is there, or the weights are of another configuration.
    """
    path = Path(source)
    folder = model_folder(path)
    if folder is not None:
        file = folder / WEIGHTS_NAME
        load_state(network, read_state(file), str(file))
        return
    released = path.is_file() or path.with_name(f"{path.name}.index").is_file()
    if not released or not isinstance(network, Loadable):
        raise InputError(
            f"model.init_args.weights: {source} is neither a finished run, a saved model nor a checkpoint"
        )
    network.load_released(path)


def check_vocabulary(network: Any, data: FashionGenDataModule) -> None:
    """Refuse a tokenizer with ids that the network has no word embeddings for.

    Raises:
        InputError: naming both sizes.
    """
    known = network.text_embeddings.word.num_embeddings
    if len(data.tokenizer) > known:
        raise InputError(
            f"model.init_args.network.init_args.vocab_size: {known} is less than the {len(data.tokenizer)} "
            f"word pieces of tokenizer {data.tokenizer_name}"
        )


def check_patches(
    network: KaleidoBERT, data: FashionGenDataModule, backbone: PatchBackbone | None = None
) -> None:
    """Refuse patches of another grid or width than the network was built for.

    Raises:
        InputError: naming what the data have and what the network has.
    """
    source = data.patches
    if source.grid != network.grid:
        raise InputError(
            f"model.init_args.network.init_args.levels: {list(network.grid.levels)}, but the patches are of "
            f"levels {list(source.grid.levels)}"
        )
    online = source.width is None
    if online != (backbone is not None):
        raise InputError(
            "model.init_args.backbone and data.init_args.kaleido.online go together: patches that are cut "
            "online need a backbone, features of a cache need none"
        )
    width = backbone.width if backbone else source.width
    if width != network.patch_width:
        raise InputError(
            f"model.init_args.network.init_args.patch_width: {network.patch_width}, but the patch features "
            f"are {width} wide"
        )
