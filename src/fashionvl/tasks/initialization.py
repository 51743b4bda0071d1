"""Load weights, choose trainable heads, validate a network against the data."""

from collections.abc import Collection
from pathlib import Path

from torch import nn

from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.errors import InputError
from fashionvl.files.saved_model import WEIGHTS_NAME, model_folder
from fashionvl.models.blocks.checkpoints import read_state
from fashionvl.models.blocks.loading import load_state
from fashionvl.models.kaleido_bert.backbone import PatchBackbone
from fashionvl.models.protocols import HasHeads, Loadable, ReadsPatches, ReadsTokens


def train_heads(network: HasHeads, names: Collection[str]) -> None:
    """Let only these heads learn: one without a loss would have no gradient, which DDP refuses."""
    for name, head in network.heads().items():
        head.requires_grad_(name in names)


def load_weights(network: nn.Module, source: str) -> None:
    """Fill a network from an earlier run.

    Args:
        network: of the same configuration; a `Loadable` one for released checkpoints.
        source: a run folder, a folder written by `save_pretrained`, or a checkpoint: a run's `last.ckpt`, a
            state dict under our names in any wrapping, or a released file.

    Raises:
        InputError: nothing is there, or the weights are of another configuration.
    """
    path = Path(source)
    folder = model_folder(path)
    if folder is not None:
        file = folder / WEIGHTS_NAME
        load_state(network, read_state(file, wrapped=False), str(file))
        return
    if (path / "checkpoints" / "last.ckpt").is_file():
        raise InputError(
            f"model.init_args.weights: {source} is a run that has not finished; finish it, or pass its "
            "checkpoints/last.ckpt"
        )
    if path.is_file() and path.suffix not in (".npz", ".index", ".meta"):
        state = read_state(path)
        known = network.state_dict().keys()
        if 2 * sum(key in known for key in state) > len(state):
            load_state(network, state, source)
            return
    released = path.is_file() or path.with_name(f"{path.name}.index").is_file()
    if not released or not isinstance(network, Loadable):
        raise InputError(
            f"model.init_args.weights: {source} is neither a finished run, a saved model nor a checkpoint of "
            f"{type(network).__name__}"
        )
    network.load_released(path)


def check_input(
    network: nn.Module, data: FashionGenDataModule, backbone: PatchBackbone | None = None
) -> None:
    """Refuse data that a network cannot read: more words, longer captions, other pictures.

    Raises:
        InputError: naming what the data have and what the network has.
    """
    if isinstance(network, ReadsTokens):
        check_vocabulary(network, data)
    if isinstance(network, ReadsPatches):
        check_patches(network, data, backbone)
    elif data.kaleido is not None:
        raise InputError(
            f"data.init_args.kaleido: {type(network).__name__} sees photographs as pixels; set it to null"
        )


def check_vocabulary(network: ReadsTokens, data: FashionGenDataModule) -> None:
    """Refuse ids that a network has no word embeddings for, and captions longer than it reads.

    Raises:
        InputError: naming both sizes.
    """
    if len(data.tokenizer) > network.vocab_size:
        raise InputError(
            f"model.init_args.network.init_args.vocab_size: {network.vocab_size} is less than the "
            f"{len(data.tokenizer)} word pieces of tokenizer {data.tokenizer_name}"
        )
    if data.max_tokens > network.max_tokens:
        raise InputError(
            f"data.init_args.max_tokens: {data.max_tokens}, but {type(network).__name__} reads "
            f"{network.max_tokens} at most"
        )


def check_patches(
    network: ReadsPatches, data: FashionGenDataModule, backbone: PatchBackbone | None = None
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
