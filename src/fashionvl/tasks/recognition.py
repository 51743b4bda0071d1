"""Category recognition: main category (M-CR) and sub-category (S-CR) from photograph and caption."""

from typing import Any, Protocol, cast, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashionvl.data.records import PairBatch, Pairs
from fashionvl.data.requests import TestProtocol
from fashionvl.errors import InputError
from fashionvl.evaluation.recognition import RecognitionScores
from fashionvl.models.kaleido_bert.model import KaleidoBERT
from fashionvl.tasks.base import PairTask
from fashionvl.tasks.examples import ExampleBook
from fashionvl.tasks.initialization import check_patches, check_vocabulary, load_weights, train_heads
from fashionvl.tasks.optimization import Optimization
from fashionvl.tasks.speed import Speed


@runtime_checkable
class Recognises(Protocol):
    """What a network needs for this task."""

    categories: int
    subcategories: int

    def recognise(self, batch: Pairs) -> tuple[Tensor, Tensor]:
        """Logits `[B, categories]` and `[B, subcategories]`."""

    def heads(self) -> dict[str, nn.Module]:
        """Every head by what it answers, `category` and `subcategory` among them."""


class Recognition(PairTask):
    """Two independent FC heads on [CLS], fine-tuned end to end (MVLT section 3.3; Kaleido-BERT section 4.2).

    The released Kaleido-BERT fine-tunes main and sub-category in two runs; here, as in MVLT, in one.
    """

    protocols: tuple[TestProtocol, ...] = ("recognition",)

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
        if not isinstance(network, Recognises):
            raise InputError(
                f"model.init_args.network: {type(network).__name__} has no recognition heads; "
                "use MVLT or KaleidoBERT"
            )
        self.network, self.pretrained = network, weights
        train_heads(network, ("category", "subcategory"))
        speed.apply(network)
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
        if isinstance(self.network, KaleidoBERT):
            check_patches(self.network, data)
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
        category, subcategory = self.network.recognise(batch)
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
