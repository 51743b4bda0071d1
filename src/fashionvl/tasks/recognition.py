"""Category recognition: main category (M-CR) and sub-category (S-CR) from photograph and caption."""

import logging
from typing import cast

import torch.nn.functional as F
from torch import nn

from fashionvl.data.records import PairBatch
from fashionvl.errors import InputError
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.models.protocols import HasHeads, Recognises, require
from fashionvl.tasks.base import Named, PairTask
from fashionvl.tasks.initialization import check_input, load_weights, train_heads
from fashionvl.tasks.optimization import Optimization
from fashionvl.tasks.speed import Speed
from fashionvl.tasks.testing import RecognitionTest

log = logging.getLogger(__name__)


class Recognition(PairTask):
    """Two independent FC heads on [CLS], fine-tuned end to end (MVLT section 3.3; Kaleido-BERT section 4.2).

    The released Kaleido-BERT fine-tunes main and sub-category in two runs; here, as in MVLT, in one.
    """

    def __init__(
        self,
        network: nn.Module,
        weights: str | None = None,
        optimization: Optimization = Optimization(),  # noqa: B008 - frozen
        speed: Speed = Speed(),  # noqa: B008 - frozen
    ) -> None:
        """Assemble the task.

        Args:
            network: the model; its recognition heads are trained, its other heads rest.
            weights: the pre-trained model: a run folder, a folder written by `save_pretrained`, or a released
                checkpoint. None trains from the network's own initialisation, as the released MVLT script
                does.
            optimization: optimiser and schedule; "consistent with the pre-training process" in MVLT section
                4.1.
            speed: how it is computed.

        Raises:
            InputError: the network recognises nothing.
        """
        super().__init__(optimization, speed)
        require(network, (Recognises, HasHeads), type(self).__name__)
        self.network, self.pretrained = network, weights
        train_heads(cast(HasHeads, network), ("category", "subcategory"))
        speed.apply(network)
        self.test_with([RecognitionTest()])

    def prepare_network(self, stage: str) -> None:
        """Load the pre-trained weights before fine-tuning, then fit the heads to the data's names.

        Raises:
            InputError: the weights do not fit.
        """
        if stage == "fit" and self.pretrained:
            load_weights(self.network, self.pretrained)
        self._widen_heads()

    def _widen_heads(self) -> None:
        """Widen heads that have fewer outputs than the data have names."""
        network = cast(Recognises, self.network)
        wanted = len(self.data.categories.names), len(self.data.subcategories.names)
        built = network.categories, network.subcategories
        network.widen_recognition(*wanted)
        if (network.categories, network.subcategories) != built:
            log.info(
                "recognition heads: %d and %d outputs for the data's names, instead of %d and %d",
                *(network.categories, network.subcategories), *built,
            )  # fmt: skip

    def check_data(self) -> None:
        """Check tokens and photographs, and that there are labels."""
        check_input(self.network, self.data)
        data = self.data
        if max(data.train_source.category.max(), data.train_source.subcategory.max()) < 0:
            raise InputError(
                f"{data.train_source.reader.source}: every category and sub-category is empty, so there "
                "is none to learn; run retrieval or pre-training instead"
            )

    def losses(self, batch: PairBatch, step: int | None) -> tuple[Named, Named]:
        """Compute the cross-entropy of both heads, and their accuracies."""
        category, subcategory = cast(Recognises, self.network).recognise(batch)
        logits = {"m_cr": category.float(), "s_cr": subcategory.float()}
        targets = {"m_cr": batch.category, "s_cr": batch.subcategory}
        # Rows without a known label count neither in the loss nor among the hits; most batches have none.
        known = {name: (target != IGNORED_LABEL).sum().clamp(min=1) for name, target in targets.items()}
        losses = {
            name: F.cross_entropy(logits[name], target, reduction="sum", ignore_index=IGNORED_LABEL)
            / known[name]
            for name, target in targets.items()
        }
        hits = {
            f"{name}_accuracy": (logits[name].argmax(-1) == target).sum() / known[name]
            for name, target in targets.items()
        }
        return losses, hits
