"""Where a task's starting weights come from, and whether the network fits the data."""

from pathlib import Path

from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.errors import InputError
from fashionvl.models.mvlt import MVLT
from fashionvl.models.mvlt.checkpoints import read_state
from fashionvl.models.mvlt.weights import load_released, load_state


def load_weights(network: MVLT, source: str) -> None:
    """Fill a network from an earlier run.

    Args:
        network: of the same configuration.
        source: a run folder, a folder written by `save_pretrained`, or a released MVLT checkpoint.

    Raises:
        InputError: nothing is there, or the weights are of another configuration.
    """
    path = Path(source)
    if path.is_file():
        load_released(network, path)
        return
    for file in (path / "model" / "model.safetensors", path / "model.safetensors"):
        if file.is_file():
            load_state(network, read_state(file), str(file))
            return
    raise InputError(
        f"model.init_args.weights: {source} is neither a finished run, a saved model nor a checkpoint"
    )


def check_vocabulary(network: MVLT, data: FashionGenDataModule) -> None:
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
