"""MVLT pre-training: ITM, MLM and MIR together; tested on zero-shot retrieval and masked image generation."""

from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.records import PairBatch, RetrievalBatch
from fashionvl.data.requests import TestProtocol
from fashionvl.errors import InputError
from fashionvl.evaluation.ranking import RetrievalRanks
from fashionvl.evaluation.reconstruction import ReconstructionScores
from fashionvl.masking.image import hide
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.models.mvlt import MVLT
from fashionvl.models.mvlt.encoder import States
from fashionvl.objectives.language import MLM, mlm_loss
from fashionvl.objectives.matching import ITM, itm_loss
from fashionvl.objectives.reconstruction import MIR, mir_loss
from fashionvl.tasks.base import PairTask
from fashionvl.tasks.examples import ExampleBook
from fashionvl.tasks.initialization import check_vocabulary, train_heads
from fashionvl.tasks.optimization import Optimization
from fashionvl.tasks.retrieval import score_candidates
from fashionvl.tasks.speed import Speed


class MVLTPretraining(PairTask):
    """The three objectives of MVLT section 3.2, each switched off by `null`."""

    def __init__(
        self,
        network: MVLT,
        itm: ITM | None = ITM(),  # noqa: B008 - frozen
        mlm: MLM | None = MLM(),  # noqa: B008 - frozen
        mir: MIR | None = MIR(),  # noqa: B008 - frozen
        views: Literal["joint", "alternate"] = "joint",
        masked_every: int = 2,
        on_negatives: bool = True,
        optimization: Optimization = Optimization(),  # noqa: B008 - frozen
        scored_pairs: int | None = None,
        speed: Speed = Speed(),  # noqa: B008 - frozen
    ) -> None:
        """Assemble the task.

        Args:
            network: the model.
            itm: image-text matching.
            mlm: masked language modelling.
            mir: masked image reconstruction.
            views: `joint`: one forward on masked photograph and masked text (paper). `alternate`: even steps
                see the whole photograph, odd steps the masked one; the text is always masked (released code).
            masked_every: with alternating views, each how many-th step is a masked one; 2 in the released
                code.
            on_negatives: MLM and MIR also learn from mismatched pairs, as in the released code; the paper is
                silent.
            optimization: optimiser and schedule.
            scored_pairs: pairs a retrieval forward takes at most; None takes what suits the device.
            speed: how it is computed.

        Raises:
            InputError: every objective is off, some steps would have none, or `masked_every` is not positive.
        """
        super().__init__(optimization, speed)
        if itm is None and mlm is None and mir is None:
            raise InputError("model.init_args: itm, mlm and mir are all null; at least one must be on")
        if masked_every < 1:
            raise InputError(f"model.init_args.masked_every: {masked_every} must be at least 1")
        if views == "alternate" and itm is None and mlm is None and mir is not None and not mir.on_clean:
            raise InputError(
                "model.init_args.mir.on_clean: with views alternate and mir alone it must be true"
            )
        self.network, self.itm, self.mlm, self.mir = network, itm, mlm, mir
        self.masked_every = masked_every
        self.views, self.on_negatives, self.scored_pairs = views, on_negatives, scored_pairs
        self._painted = False
        self.weights = {
            name: spec.weight for name, spec in (("itm", itm), ("mlm", mlm), ("mir", mir)) if spec
        }
        train_heads(network, self.weights)
        speed.apply(network)
        self.protocols: tuple[TestProtocol, ...] = (
            *(("tir", "itr") if itm else ()),
            *(("mig",) if mir else ()),
        )
        self.ranks = nn.ModuleDict({name: RetrievalRanks() for name in ("tir", "itr")})
        self.reconstruction = ReconstructionScores()
        self.examples = ExampleBook()

    def setup(self, stage: str) -> None:
        """Check that the data's tokens have embeddings."""
        check_vocabulary(self.network, self.trainer.datamodule)  # type: ignore[attr-defined]

    @property
    def corruption(self) -> Corruption:
        """Mismatched captions, masked tokens and hidden pixels, as far as the objectives are on."""
        return Corruption(
            image=self.mir.mask if self.mir else None,
            text=self.mlm.mask if self.mlm else None,
            pairing=self.itm.pairing if self.itm else None,
        )

    def training_step(self, batch: PairBatch, batch_idx: int) -> Tensor:
        """One step on one view of the photographs."""
        masked_turn = self.views == "joint" or (batch_idx + 1) % self.masked_every == 0
        masked = self.mir is not None and masked_turn
        losses, scores = self.losses(batch, masked)
        self.halt_unless_finite(losses, batch.rows, batch_idx)
        total = self.total(losses, self.weights) + self._idle_decoder(losses)
        self.log_all(
            "train", {"loss": total.detach(), **_detached(losses), **scores}, len(batch), on_step=True
        )
        return total

    def _idle_decoder(self, losses: dict[str, Tensor]) -> Tensor | float:
        """Nothing, tied to the decoder in a step without MIR: DDP waits for a gradient of every weight."""
        self._painted |= "mir" in losses
        if self.mir is None or "mir" in losses or not torch.distributed.is_initialized():
            return 0.0
        return 0 * torch.stack([weight.sum() for weight in self.network.decoder.parameters()]).sum()

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Leave an idle decoder alone, as one process does: a zero gradient would let its momentum act."""
        if not self._painted:
            for weight in self.network.decoder.parameters():
                weight.grad = None
        self._painted = False

    def validation_step(self, batch: PairBatch, batch_idx: int) -> None:
        """Losses on the dev split: ITM and MLM see the whole photograph, as retrieval will; MIR is masked."""
        losses, scores = self.losses(batch, masked=False)
        if self.mir:
            losses["mir"] = self.losses(batch, masked=True)[0]["mir"]
        total = self.total(losses, self.weights)
        self.log_all("dev", {"loss": total, **losses, **scores}, len(batch))

    def losses(self, batch: PairBatch, masked: bool) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The losses that apply to one view of the photographs, and accuracies to watch.

        Args:
            batch: on the device, photographs in [0, 1].
            masked: whether the photographs' masked pixels are hidden.
        """
        pixels = batch.pixel_values
        if masked and batch.image_mask is not None:
            pixels = hide(pixels, batch.image_mask)
        paints = self.mir is not None and (masked or self.mir.on_clean)
        encoded = self.network.encode(pixels, batch.input_ids, batch.attention_mask, self._states(paints))
        losses: dict[str, Tensor] = {}
        scores: dict[str, Tensor] = {}
        if self.itm:
            logits = self.network.itm_logits(encoded.cls)
            losses["itm"] = itm_loss(logits, batch.itm_labels)
            scores["itm_accuracy"] = (logits.argmax(-1) == batch.itm_labels).float().mean()
        if self.mlm and batch.mlm_labels is not None:
            labels = batch.mlm_labels
            if not self.on_negatives:
                labels = labels.masked_fill(batch.itm_labels[:, None] == 0, IGNORED_LABEL)
            words = mlm_loss(
                encoded.text[-1],
                labels,
                self.network.mlm_logits,
                batch.masked_positions if self.on_negatives else None,
                everywhere=not self.speed.needed_only,
            )
            losses["mlm"] = words.loss * self.share(words.asked)
            scores["mlm_accuracy"] = words.accuracy
        if paints:
            losses["mir"] = self._reconstruction_loss(batch, encoded.visual)
        return losses, scores

    def _states(self, paints: bool) -> States:
        """The last states that the losses read."""
        if paints or not self.speed.needed_only:
            return "all"
        return "text" if self.mlm else "cls"

    def _reconstruction_loss(self, batch: PairBatch, visual: list[Tensor]) -> Tensor:
        original = batch.pixel_values
        if not self.on_negatives:
            kept = batch.itm_labels.bool()
            visual, original = [level[kept] for level in visual], original[kept]
        return mir_loss(self._reconstruct(visual, original), original) * self.share(len(original))

    def _reconstruct(self, visual: list[Tensor], original: Tensor) -> Tensor:
        height, width = original.shape[-2:]
        return self.network.reconstruct(visual, (height, width))

    def test_step(self, batch: PairBatch | RetrievalBatch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """One batch of the protocol this loader serves."""
        protocol = self.protocols[dataloader_idx]
        if isinstance(batch, RetrievalBatch):
            scores = score_candidates(self.network, batch, self.scored_pairs)
            self._ranks(protocol).update(batch.query_ids, scores, batch.positive)
            self.examples.add_queries(protocol, batch.query_ids, scores)
            return
        if batch.image_mask is None:
            raise RuntimeError("masked image generation was asked for without an image mask")
        masked = hide(batch.pixel_values, batch.image_mask)
        encoded = self.network.encode(masked, batch.input_ids, batch.attention_mask)
        predicted = self._reconstruct(encoded.visual, masked).float().clamp(0, 1)
        self.reconstruction.update(predicted, batch.pixel_values, batch.image_mask, batch.rows)
        self.examples.add_images(
            batch.product_id,
            masked=masked, reconstructed=predicted, original=batch.pixel_values, hidden=batch.image_mask,
        )  # fmt: skip

    def on_test_epoch_end(self) -> None:
        """Log `protocol/metric`."""
        for name in self.protocols:
            self.log_scores(name, self._metric(name).compute())

    def per_query(self) -> dict[str, dict[str, Any]]:
        """Arrays behind each protocol's rates, for intervals and paired tests."""
        return {name: self._metric(name).per_query() for name in self.protocols}

    def _metric(self, protocol: TestProtocol) -> RetrievalRanks | ReconstructionScores:
        return self.reconstruction if protocol == "mig" else self._ranks(protocol)

    def _ranks(self, protocol: TestProtocol) -> RetrievalRanks:
        return cast(RetrievalRanks, self.ranks[protocol])


def _detached(losses: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in losses.items()}
