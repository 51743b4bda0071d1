"""A small MVLT with random weights, saved with everything that feeds it, and catalogue data beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

TINY: dict[str, Any] = {
    "image_size": 64,
    "embed_dims": [8, 16, 24, 32],
    "depths": [1, 1, 1, 1],
    "num_heads": [1, 1, 2, 2],
    "mlp_ratios": [2, 2, 2, 2],
    "vocab_size": 300,
    "max_tokens": 24,
    "text_width": 24,
    "text_positions": 24,
    "decoder_width": 8,
    "initialization": "xavier",
}


@pytest.fixture(scope="session")
def open_data(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """A prepared DataModule over the session's catalogue."""
    from fashionvl.data import FashionGenDataModule

    index = tmp_path_factory.mktemp("index")

    def build(**arguments: Any) -> FashionGenDataModule:
        settings = {"image_size": 64, "max_tokens": 24, "vocabulary": 300, "tokenizer": "train"}
        data = FashionGenDataModule(root=str(catalogue), index_dir=str(index), **(settings | arguments))
        data.prepare_data()
        return data

    return build


@pytest.fixture(scope="session")
def saved(open_data: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a saved model."""
    import torch

    from fashionvl.models.mvlt import MVLT

    folder = tmp_path_factory.mktemp("saved") / "model"
    torch.manual_seed(0)
    MVLT(**TINY).save_pretrained(folder)
    open_data().save_processor(folder)
    return folder


@pytest.fixture(scope="session")
def garments(open_data: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the first three test photographs as `0.png` to `2.png`."""
    folder = tmp_path_factory.mktemp("garments")
    data = open_data()
    for row in range(3):
        Image.fromarray(np.asarray(data.test_image(row))).save(folder / f"{row}.png")
    return folder
