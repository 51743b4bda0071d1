"""Targets of the pyramid's pre-training."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from fashionvl.errors import InputError
from fashionvl.models.pyramid import PyramidClassifier
from fashionvl.tasks import PyramidPretraining


def test_real_data_have_no_drawn_attributes() -> None:
    network = PyramidClassifier(
        image_size=64, embed_dims=[8, 8, 8, 8], depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1],
        mlp_ratios=[1, 1, 1, 1], sr_ratios=[4, 2, 1, 1],
    )  # fmt: skip
    subcategories = SimpleNamespace(names=("coats", "hats"))
    data = SimpleNamespace(
        truth=lambda split: None, root=Path("there"), subcategories=subcategories, attach=id
    )
    for labels in ("attributes", "subcategory", "auto"):
        task = PyramidPretraining(network, labels)  # type: ignore[arg-type]
        task._trainer = SimpleNamespace(datamodule=data)  # type: ignore[assignment]
        if labels == "attributes":
            with pytest.raises(InputError, match="there: only a synthetic catalogue knows its attributes"):
                task.setup("fit")
        else:
            task.setup("fit")
            assert set(network.heads) == {"subcategory"}
