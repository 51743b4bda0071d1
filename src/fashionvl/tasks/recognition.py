"""Category recognition: main category (M-CR) and sub-category (S-CR) of photographs and their captions."""

import logging
from typing import Literal, cast

import torch.nn.functional as F
from torch import nn

from fashionvl.data.records import PairBatch
from fashionvl.errors import InputError
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.models.protocols import HasHeads, Recognises, Widens, require
from fashionvl.tasks.base import Named, PairTask
from fashionvl.tasks.initialization import check_input, load_weights, train_heads
from fashionvl.tasks.optimization import Optimization
from fashionvl.tasks.recognition_inputs import (
    INPUTS,
    LABELS,
    Input,
    named,
    recognised,
    require_inputs,
    targets_of,
)
from fashionvl.tasks.speed import Speed
from fashionvl.tasks.testing import RecognitionTest, Test

log = logging.getLogger(__name__)


class Recognition(PairTask):
    """Two independent FC heads on [CLS], fine-tuned end to end (MVLT section 3.3; Kaleido-BERT section 4.2).

    The released Kaleido-BERT fine-tunes main and sub-category in two runs; here, as in MVLT, in one. The
    papers recognise from photograph and caption; either alone is ours. A caption names its garment, so that
    only the photograph alone tells how much a network sees.

    Attributes:
        sources: what is read in training.
    """

    def __init__(
        self,
        network: nn.Module,
        weights: str | None = None,
        inputs: Literal["both", "image", "text", "all"] = "both",
        tests: list[Test] | None = None,
        optimization: Optimization = Optimization(),  # noqa: B008 - frozen
        speed: Speed = Speed(),  # noqa: B008 - frozen
    ) -> None:
        """Assemble the task.

        Args:
            network: the model; its recognition heads are trained, its other heads rest.
            weights: the pre-trained model: a run folder, a folder written by `save_pretrained`, or a released
                checkpoint. None trains from the network's own initialisation, as the released MVLT script
                does.
            inputs: what is read in training. `both`: photograph and caption, as in the papers; `image`: the
                photograph, with [CLS] for a caption; `text`: the caption, without any photograph; DDP then
                needs `strategy: ddp_find_unused_parameters_true`. `all`: one model for the three, which
                shares out the pairs of every batch among them; the loss is their mean.
            tests: None for recognition from what was read in training, each apart.
            optimization: optimiser and schedule; "consistent with the pre-training process" in MVLT section
                4.1.
            speed: how it is computed.

        Raises:
            InputError: the network recognises nothing, or not from these inputs.
        """
        super().__init__(optimization, speed)
        self.sources: tuple[Input, ...] = INPUTS if inputs == "all" else (inputs,)
        require(network, (Recognises, HasHeads), type(self).__name__)
        require_inputs(network, self.sources, type(self).__name__)
        self.network, self.pretrained = network, weights
        train_heads(cast(HasHeads, network), ("category", "subcategory"))
        speed.apply(network)
        self.test_with([RecognitionTest(list(self.sources))] if tests is None else tests)
        if len(self.sources) > 1:
            names = [named(label, source) for source in self.sources for label in LABELS]
            self.weights = dict.fromkeys(names, 1 / len(self.sources))

    def prepare_network(self, stage: str) -> None:
        """Load the pre-trained weights before fine-tuning, then fit the heads to the data's names.

        Raises:
            InputError: the weights do not fit, or heads that cannot grow are too narrow.
        """
        if stage == "fit" and self.pretrained:
            load_weights(self.network, self.pretrained)
        self._fit_heads()

    def _fit_heads(self) -> None:
        """Widen heads that have fewer outputs than the data have names.

        Raises:
            InputError: the network cannot.
        """
        network = cast(Recognises, self.network)
        wanted = {
            "categories": len(self.data.categories.names),
            "subcategories": len(self.data.subcategories.names),
        }
        built = {key: getattr(network, key) for key in wanted}
        few = [key for key, count in wanted.items() if count > built[key]]
        if not few:
            return
        if not isinstance(network, Widens):
            raise InputError(
                f"model.init_args.network.init_args.{few[0]}: {built[few[0]]} outputs for the data's "
                f"{wanted[few[0]]} names"
            )
        network.widen_recognition(**wanted)
        changes = ", ".join(f"{wanted[key]} {key} instead of {built[key]}" for key in few)
        log.info("recognition heads: %s, for the data's names", changes)

    def check_data(self) -> None:
        """Check tokens and photographs, and that there are labels and enough pairs a batch.

        Raises:
            InputError: naming what the data have and what is needed.
        """
        check_input(self.network, self.data)
        data = self.data
        if data.batch_size < len(self.sources):
            raise InputError(
                f"data.init_args.batch_size: {data.batch_size} pairs cannot be shared out among "
                f"{len(self.sources)} inputs; give more, or model.init_args.inputs: both"
            )
        if max(data.train_source.category.max(), data.train_source.subcategory.max()) < 0:
            raise InputError(
                f"{data.train_source.reader.source}: every category and sub-category is empty, so there "
                "is none to learn; run retrieval or pre-training instead"
            )

    def losses(self, batch: PairBatch, step: int | None) -> tuple[Named, Named]:
        """Compute the cross-entropy of both heads, and their accuracies.

        With several inputs, each has its share of a training batch, and the whole of a dev batch.
        """
        losses: Named = {}
        hits: Named = {}
        for place, source in enumerate(self.sources):
            part = batch if step is None or len(self.sources) == 1 else batch[place :: len(self.sources)]
            logits = dict(zip(LABELS, recognised(self.network, part, source), strict=True))
            for label, target in targets_of(part).items():
                name, found = named(label, source), logits[label].float()
                # Rows without a known label count neither in the loss nor among the hits; most batches have
                # none.
                known = (target != IGNORED_LABEL).sum().clamp(min=1)
                loss = F.cross_entropy(found, target, reduction="sum", ignore_index=IGNORED_LABEL)
                losses[name] = loss / known
                hits[f"{name}_accuracy"] = (found.argmax(-1) == target).sum() / known
        return losses, hits
