"""Contrastive training of any model that embeds photographs and captions apart."""

import logging
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from fashionvl.data.records import Embedding, PairBatch
from fashionvl.errors import InputError
from fashionvl.models.protocols import Embeds, require
from fashionvl.objectives.contrastive import ContrastiveLoss
from fashionvl.tasks.base import Named, PairTask
from fashionvl.tasks.gathering import gather_embedding, gather_plain
from fashionvl.tasks.initialization import check_input
from fashionvl.tasks.optimization import Optimization
from fashionvl.tasks.speed import Speed
from fashionvl.tasks.testing import GalleryTest, Test

log = logging.getLogger(__name__)

COLLAPSED = 0.01
"""Spread of similarities below which embeddings count as collapsed. Ours."""
TINY = 1e-12
"""Smallest mean size that a spread is taken of."""


class ContrastiveTraining(PairTask):
    """One loss over the similarities of all photographs with all captions of the global batch.

    Under DDP the embeddings of all processes are gathered, with their gradients, so that two processes learn
    what one does with the same global batch.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: ContrastiveLoss,
        optimization: Optimization = Optimization(),  # noqa: B008 - frozen
        speed: Speed = Speed(),  # noqa: B008 - frozen
        tests: list[Test] | None = None,
    ) -> None:
        """Assemble the task.

        Args:
            network: the model; it `Embeds`.
            loss: `Hinge` or `InfoNCE` of `fashionvl.objectives.contrastive`; it says what another photograph
                of the same product counts as.
            optimization: optimiser and schedule.
            speed: how it is computed.
            tests: what it is tested on; None is `GalleryTest`: candidate lists and the whole gallery.

        Raises:
            InputError: the network lacks what the task asks for.
        """
        super().__init__(optimization, speed)
        require(network, Embeds, type(self).__name__)
        self.network, self.loss = network, loss
        speed.apply(network)
        self.test_with([GalleryTest()] if tests is None else tests)

    def check_data(self) -> None:
        """Check tokens and photographs, and that a batch has something to tell apart.

        Raises:
            InputError: the data do not fit the network, or a batch holds one pair.
        """
        check_input(self.network, self.data)
        if self.data.batch_size * self.trainer.world_size < 2:
            raise InputError(
                "data.init_args.batch_size: 1 pair has no negatives; contrastive training needs at least 2"
            )
        products = np.asarray(self.data.index_of("train").product_id)[self.data.train_rows]
        if len(np.unique(products)) < 2:
            raise InputError(
                f"{self.data.train_source.reader.source}: all training pairs are of one product, so that no "
                "batch has anything to tell apart; contrastive training needs at least 2 products"
            )

    def losses(self, batch: PairBatch, step: int | None) -> tuple[Named, Named]:
        """Compute the loss, how often a photograph's own caption is the nearest, and how similarities vary.

        `spread` is the standard deviation of the batch's similarities over their mean size: near zero, all
        embeddings are alike. On the dev split each process compares its own batch.
        """
        images, texts, products = self._embedded(batch, everywhere=step is not None)
        similarity = cast(Embeds, self.network).similarity(images, texts)
        same = products[:, None] == products[None]
        found = similarity.detach().float()
        nearest = same.gather(1, found.argmax(1, keepdim=True)).float().mean()
        spread = found.std() / found.abs().mean().clamp(min=TINY)
        return {"contrastive": self.loss(similarity, same)}, {"nearest_accuracy": nearest, "spread": spread}

    def on_train_epoch_end(self) -> None:
        """Warn where all embeddings have become alike."""
        spread = float(self.trainer.callback_metrics.get("train/spread_epoch", 1.0))
        if spread < COLLAPSED:
            log.warning(
                "the embeddings have collapsed: similarities of a batch differ by %.2g of their size; lower "
                "model.init_args.optimization.lr, lengthen its warmup_epochs, or start from trained weights",
                spread,
            )

    def _embedded(self, batch: PairBatch, everywhere: bool) -> tuple[Embedding, Embedding, Tensor]:
        network = cast(Embeds, self.network)
        images, texts = network.embed_image(batch.images), network.embed_text(batch.texts)
        if not everywhere or not torch.distributed.is_initialized():
            return images, texts, batch.product_id
        return gather_embedding(images), gather_embedding(texts), gather_plain(batch.product_id)
