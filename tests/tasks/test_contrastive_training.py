"""Figures that contrastive training watches, and the data it refuses."""

import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fashionvl.data.records import Embedding, PairBatch
from fashionvl.errors import InputError
from fashionvl.objectives.contrastive import InfoNCE
from fashionvl.tasks import ContrastiveTraining


class Fixed(torch.nn.Module):
    """A dual encoder with given embeddings."""

    def __init__(self, images: torch.Tensor, texts: torch.Tensor) -> None:
        super().__init__()
        self.images, self.texts = images, texts

    def embed_image(self, images: object) -> Embedding:
        return Embedding(self.images)

    def embed_text(self, texts: object) -> Embedding:
        return Embedding(self.texts)

    def similarity(self, images: Embedding, texts: Embedding) -> torch.Tensor:
        return images.values @ texts.values.T


def _task(images: torch.Tensor, texts: torch.Tensor) -> ContrastiveTraining:
    return ContrastiveTraining(Fixed(images, texts), InfoNCE(), tests=[])


def test_spread_tells_embeddings_that_are_alike_from_those_that_differ(draw_pairs) -> None:
    batch: PairBatch = draw_pairs([1, 1, 1, 1])
    one = torch.nn.functional.normalize(torch.ones(4, 8), dim=1)
    _, alike = _task(one, one).losses(batch, None)
    assert alike["spread"].item() == pytest.approx(0, abs=1e-5)
    apart = torch.eye(4)
    _, different = _task(apart, apart).losses(batch, None)
    # Four ones among twelve zeros: deviation sqrt(0.2), mean 0.25.
    assert different["spread"].item() == pytest.approx(0.2**0.5 / 0.25)
    assert different["nearest_accuracy"].item() == 1


@pytest.mark.parametrize(("spread", "warned"), [(0.001, True), (0.4, False)])
def test_a_collapse_is_said_at_the_end_of_the_epoch(spread, warned, caplog) -> None:
    task = _task(torch.eye(2), torch.eye(2))
    task._trainer = SimpleNamespace(callback_metrics={"train/spread_epoch": torch.tensor(spread)})  # type: ignore[assignment]
    with caplog.at_level(logging.WARNING):
        task.on_train_epoch_end()
    said = [record.getMessage() for record in caplog.records]
    line = (
        "the embeddings have collapsed: similarities of a batch differ by 0.001 of their size; lower "
        "model.init_args.optimization.lr, lengthen its warmup_epochs, or start from trained weights"
    )
    assert said == ([line] if warned else [])


def test_pairs_of_one_product_are_refused() -> None:
    task = _task(torch.eye(2), torch.eye(2))
    task._trainer = SimpleNamespace(world_size=1)  # type: ignore[assignment]
    task.data = SimpleNamespace(  # type: ignore[assignment]
        batch_size=8, kaleido=None, train_rows=np.array([0, 2]),
        index_of=lambda split: SimpleNamespace(product_id=np.array([7, 8, 7])),
        train_source=SimpleNamespace(reader=SimpleNamespace(source=Path("train.h5"))),
    )  # fmt: skip
    with pytest.raises(InputError, match=r"train\.h5: all training pairs are of one product"):
        task.check_data()
