"""Category recognition: main category (M-CR) and sub-category (S-CR) from photograph and caption."""

from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from fashionvl.data.datamodule import TestProtocol
from fashionvl.data.records import PairBatch
from fashionvl.errors import InputError
from fashionvl.evaluation.recognition import RecognitionScores
from fashionvl.models.mvlt import MVLT
from fashionvl.tasks.base import PairTask
from fashionvl.tasks.examples import ExampleBook
from fashionvl.tasks.initialization import check_vocabulary, load_weights
from fashionvl.tasks.optimization import Optimization


class Recognition(PairTask):
    """Two independent FC heads on the class token, fine-tuned end to end (MVLT section 3.3, task 3)."""

    protocols: tuple[TestProtocol, ...] = ("recognition",)

    def __init__(
        self,
        network: MVLT,
        weights: str | None = None,
        optimization: Optimization = Optimization(),  # noqa: B008 - frozen
    ) -> None:
        """Assemble the task.

        Args:
            network: the model; its recognition heads are trained, its other heads rest.
            weights: the pre-trained model: a run folder, a folder written by `save_pretrained`, or a released
                checkpoint. None trains from the network's own initialisation, as the released script does.
            optimization: optimiser and schedule; "consistent with the pre-training process" in section 4.1.
        """
        super().__init__(optimization)
        self.network, self.pretrained = network, weights
        for head in (network.matching, network.language, network.decoder):
            head.requires_grad_(False)
        self.scores = torch.nn.ModuleDict(
            {"m_cr": RecognitionScores(network.categories), "s_cr": RecognitionScores(network.subcategories)}
        )
        self.examples = ExampleBook()

    def setup(self, stage: str) -> None:
        """Check tokens and label counts; load the pre-trained weights before fine-tuning.

        Raises:
            InputError: the data has more tokens or labels than the network, or the weights do not fit.
        """
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        check_vocabulary(self.network, data)
        for key, names in (
            ("categories", data.categories.names),
            ("subcategories", data.subcategories.names),
        ):
            if len(names) > getattr(self.network, key):
                raise InputError(
                    f"model.init_args.network.init_args.{key}: {getattr(self.network, key)} outputs for the "
                    f"data's {len(names)} names"
                )
        if stage == "fit" and self.pretrained:
            load_weights(self.network, self.pretrained)

    def _logits(self, batch: PairBatch) -> dict[str, Tensor]:
        cls = self.network.encode(batch.pixel_values, batch.input_ids, batch.attention_mask).cls
        category, subcategory = self.network.category_logits(cls)
        return {"m_cr": category.float(), "s_cr": subcategory.float()}

    def _losses(self, batch: PairBatch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        targets = {"m_cr": batch.category, "s_cr": batch.subcategory}
        logits = self._logits(batch)
        losses = {name: F.cross_entropy(logits[name], targets[name]) for name in targets}
        hits = {
            f"{name}_accuracy": (logits[name].argmax(-1) == targets[name]).float().mean() for name in targets
        }
        return losses, hits

    def training_step(self, batch: PairBatch, batch_idx: int) -> Tensor:
        """Cross-entropy of both heads, summed."""
        losses, hits = self._losses(batch)
        self.halt_unless_finite(losses, batch.rows, batch_idx)
        total = torch.stack(list(losses.values())).sum()
        values = {"loss": total, **losses, **hits}
        self.log_all(
            "train", {name: value.detach() for name, value in values.items()}, len(batch), on_step=True
        )
        return total

    def validation_step(self, batch: PairBatch, batch_idx: int) -> None:
        """Losses and accuracies on the dev split."""
        losses, hits = self._losses(batch)
        self.log_all("dev", {"loss": torch.stack(list(losses.values())).sum(), **losses, **hits}, len(batch))

    def test_step(self, batch: PairBatch, batch_idx: int) -> None:
        """Collect predictions."""
        logits = self._logits(batch)
        targets = {"m_cr": batch.category, "s_cr": batch.subcategory}
        for name, metric in self._metrics().items():
            metric.update(logits[name].argmax(-1), targets[name], batch.rows)
        self.examples.add_predictions(batch, logits)

    def on_test_epoch_end(self) -> None:
        """Log `protocol/metric`."""
        for name, metric in self._metrics().items():
            self.log_scores(name, metric.compute())

    def per_query(self) -> dict[str, dict[str, Any]]:
        """Predictions and targets by row, for intervals and paired tests."""
        return {name: metric.per_query() for name, metric in self._metrics().items()}

    def _metrics(self) -> dict[str, RecognitionScores]:
        return {name: cast(RecognitionScores, metric) for name, metric in self.scores.items()}
