"""Teaching the visual pyramid alone, before MVLT: what ImageNet pre-training is to the paper."""

from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.records import PairBatch
from fashionvl.errors import InputError
from fashionvl.models.pyramid import PyramidClassifier
from fashionvl.tasks.base import Named, PairTask
from fashionvl.tasks.optimization import Optimization


class PyramidPretraining(PairTask):
    """Supervised classification of photographs; no caption is read.

    The labels are the drawn attributes of the synthetic catalogue, or the sub-categories where there are
    none. The exported pyramid stands where MVLT loads ImageNet weights (section 4.1); E1 of Table 3 leaves it
    out.
    """

    network: PyramidClassifier

    def __init__(
        self,
        network: PyramidClassifier,
        labels: Literal["auto", "attributes", "subcategory"] = "auto",
        optimization: Optimization = Optimization(),  # noqa: B008 - frozen
    ) -> None:
        """Assemble the task.

        Args:
            network: the pyramid.
            labels: sub-categories alone, or the drawn attributes too, which only a synthetic catalogue has;
                `auto` takes them where they are.
            optimization: optimiser and schedule.
        """
        super().__init__(optimization)
        self.network, self.labels = network, labels

    def setup(self, stage: str) -> None:
        """Add a head for each label of the data.

        Raises:
            InputError: attributes are wanted of data that have none.
        """
        super().setup(stage)
        data = self.data
        attributes = {} if self.labels == "subcategory" else _drawn_attributes(data)
        if self.labels == "attributes" and not attributes:
            raise InputError(
                f"{data.root}: only a synthetic catalogue knows its attributes; set "
                "model.init_args.labels to auto or subcategory"
            )
        self._table = {name: torch.from_numpy(codes).long() for name, (_, codes) in attributes.items()}
        classes = {name: len(values) for name, (values, _) in attributes.items()}
        classes["subcategory"] = len(data.subcategories.names)
        self.network.add_heads(classes)

    def _targets(self, batch: PairBatch) -> dict[str, Tensor]:
        rows = batch.rows.cpu()
        drawn = {name: codes[rows].to(self.device) for name, codes in self._table.items()}
        return {**drawn, "subcategory": batch.subcategory.clamp(min=-1)}

    def losses(self, batch: PairBatch, step: int | None) -> tuple[Named, Named]:
        """Compute the mean cross-entropy over the labels, and their accuracies.

        A target of -1 marks a label that does not apply.
        """
        targets = self._targets(batch)
        logits = self.network(batch.pixel_values)
        losses: list[Tensor] = []
        hits: Named = {}
        for name, target in targets.items():
            known = target >= 0
            count = known.sum().clamp(min=1)
            losses.append(
                F.cross_entropy(logits[name].float(), target, ignore_index=-1, reduction="sum") / count
            )
            hits[f"{name}_accuracy"] = ((logits[name].argmax(-1) == target) & known).sum() / count
        return {"loss": torch.stack(losses).mean()}, hits


def _drawn_attributes(data: FashionGenDataModule) -> dict[str, tuple[list[str], np.ndarray]]:
    """Drawn attributes of the training file: names of the values; `[N]` codes, -1 where none applies.

    Empty where the data are not a synthetic catalogue.
    """
    truth = data.truth("train")
    if truth is None:
        return {}
    return {name: (truth.values(name), codes) for name, codes in truth.attributes().items()}
