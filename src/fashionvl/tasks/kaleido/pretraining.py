"""Kaleido-BERT pre-training: AMLM, ITM and the five AKPM sub-tasks; tested on zero-shot retrieval."""

from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.records import KaleidoTargets, PairBatch, Patches, RetrievalBatch
from fashionvl.data.requests import TestProtocol
from fashionvl.data.visual.corruption import PatchCorruption
from fashionvl.errors import InputError
from fashionvl.evaluation.ranking import RetrievalRanks
from fashionvl.masking.alignment import AlignmentGuidedMask
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.models.kaleido_bert.backbone import PatchBackbone
from fashionvl.models.kaleido_bert.model import Encoded, KaleidoBERT
from fashionvl.objectives.kaleido import (
    Blank,
    Camouflage,
    Grey,
    Jigsaw,
    Rotation,
    blank_loss,
    choice_loss,
    grey_loss,
)
from fashionvl.objectives.language import AMLM, WordLoss, mlm_loss
from fashionvl.objectives.matching import ITM, itm_loss, says_match
from fashionvl.tasks.base import PairTask
from fashionvl.tasks.initialization import check_patches, check_vocabulary, train_heads
from fashionvl.tasks.kaleido.examples import KaleidoExamples
from fashionvl.tasks.optimization import Optimization
from fashionvl.tasks.retrieval import score_candidates
from fashionvl.tasks.speed import Speed

EVERY = slice(None)


class Weighted(Protocol):
    """An objective's spec."""

    @property
    def weight(self) -> float:
        """In the total."""


class KaleidoPretraining(PairTask):
    """The seven losses of Kaleido-BERT section 3.6, each switched off by `null`."""

    def __init__(
        self,
        network: KaleidoBERT,
        itm: ITM | None = ITM(),  # noqa: B008 - frozen
        mlm: AMLM | None = AMLM(),  # noqa: B008 - frozen
        rotation: Rotation | None = Rotation(),  # noqa: B008 - frozen
        jigsaw: Jigsaw | None = Jigsaw(),  # noqa: B008 - frozen
        camouflage: Camouflage | None = Camouflage(),  # noqa: B008 - frozen
        grey: Grey | None = Grey(),  # noqa: B008 - frozen
        blank: Blank | None = Blank(),  # noqa: B008 - frozen
        masking: AlignmentGuidedMask = AlignmentGuidedMask(),  # noqa: B008 - frozen
        on_negatives: bool = True,
        backbone: PatchBackbone | None = None,
        optimization: Optimization = Optimization(),  # noqa: B008 - frozen
        scored_pairs: int | None = None,
        speed: Speed = Speed(),  # noqa: B008 - frozen
    ) -> None:
        """Assemble the task.

        Args:
            network: the model.
            itm: image-text matching.
            mlm: aligned masked language modelling (AMLM).
            rotation: by which quarter the level-1 patch is turned (RR).
            jigsaw: how level 2 is shuffled (JPS).
            camouflage: which level-3 patch is another product's (CP).
            grey: the colours of grey level-4 patches (G2CM).
            blank: blanked level-5 patches (B2CM).
            masking: which tokens and patches are masked (AGM).
            on_negatives: every loss also learns from mismatched pairs, as in the released code; the paper is
                silent. ITM always does.
            backbone: computes the features of patches that the data cut online; None: a cache has them.
            optimization: optimiser and schedule.
            scored_pairs: pairs a retrieval forward takes at most; None takes what suits the device.
            speed: how it is computed.

        Raises:
            InputError: every objective is off.
        """
        super().__init__(optimization, speed)
        specs: dict[str, Weighted | None] = {
            "itm": itm, "mlm": mlm, "rotation": rotation, "jigsaw": jigsaw,
            "camouflage": camouflage, "grey": grey, "blank": blank,
        }  # fmt: skip
        self.weights = {name: spec.weight for name, spec in specs.items() if spec}
        if not self.weights:
            raise InputError(f"model.init_args: {', '.join(specs)} are all null; at least one must be on")
        self.network, self.backbone = network, backbone
        self.itm, self.mlm, self.grey, self.blank = itm, mlm, grey, blank
        self.masking, self.on_negatives, self.scored_pairs = masking, on_negatives, scored_pairs
        train_heads(network, self.weights)
        speed.apply(network)
        # ITM and recognition alone read the pooled state.
        network.pooler.requires_grad_(itm is not None)
        self.protocols: tuple[TestProtocol, ...] = ("tir", "itr") if itm else ()
        self.ranks = nn.ModuleDict({name: RetrievalRanks() for name in ("tir", "itr")})
        self.examples = KaleidoExamples(self)

    def setup(self, stage: str) -> None:
        """Check that tokens have embeddings and that the patches are those of the network."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        check_vocabulary(self.network, data)
        check_patches(self.network, data, self.backbone)

    @property
    def corruption(self) -> Corruption:
        """Mismatched captions, masked tokens and transformed patches, as far as the objectives are on."""
        masking = self.masking if self.mlm else AlignmentGuidedMask(self.masking.mode, ratio=0.0)
        return Corruption(
            pairing=self.itm.pairing if self.itm else None,
            patches=PatchCorruption(
                masking,
                rotation="rotation" in self.weights,
                jigsaw="jigsaw" in self.weights,
                camouflage="camouflage" in self.weights,
                grey=self.grey.patches if self.grey else 0,
                blank=self.blank.patches if self.blank else 0,
                blank_level=self.network.blank_level,
            ),
        )

    def training_step(self, batch: PairBatch, batch_idx: int) -> Tensor:
        """One step; the total is the plain sum of the losses (Eq. 8)."""
        losses, scores = self.losses(batch)
        self.halt_unless_finite(losses, batch.rows, batch_idx)
        total = self.total(losses, self.weights)
        values = {"loss": total, **losses, **scores}
        self.log_all(
            "train", {name: value.detach() for name, value in values.items()}, len(batch), on_step=True
        )
        return total

    def validation_step(self, batch: PairBatch, batch_idx: int) -> None:
        """Every loss and accuracy on the dev split under one fixed corruption (Figs. 6 and 7)."""
        losses, scores = self.losses(batch)
        total = self.total(losses, self.weights)
        self.log_all("dev", {"loss": total, **losses, **scores}, len(batch))

    def losses(self, batch: PairBatch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Losses by name, and the accuracies of those that classify."""
        patches, targets = self.with_features(batch)
        encoded = self.network.encode(batch.input_ids, batch.attention_mask, patches, blank=targets.blank)
        losses: dict[str, Tensor] = {}
        scores: dict[str, Tensor] = {}
        if self.itm:
            logits = self.network.itm_logits(encoded.pooled)
            losses["itm"] = itm_loss(logits, batch.itm_labels)
            scores["itm_accuracy"] = (says_match(logits) == batch.itm_labels.bool()).float().mean()
        kept = EVERY if self.on_negatives else batch.itm_labels.bool()
        if self.mlm and batch.mlm_labels is not None:
            words = self._words(encoded, batch.mlm_labels, batch)
            losses["mlm"] = words.loss * self.share(words.asked)
            scores["mlm_accuracy"] = words.accuracy
        weight = 1.0 if isinstance(kept, slice) else self.share(kept.sum())
        for name, (loss, accuracy) in self._patch_losses(encoded, patches, targets, kept).items():
            losses[name] = loss * weight
            if accuracy is not None:
                scores[f"{name}_accuracy"] = accuracy
        return losses, scores

    def _words(self, encoded: Encoded, labels: Tensor, batch: PairBatch) -> WordLoss:
        everywhere = not self.speed.needed_only
        if self.on_negatives:
            return mlm_loss(encoded.text, labels, self.network.mlm_logits, batch.masked_positions, everywhere)
        matched = labels.masked_fill(batch.itm_labels[:, None] == 0, IGNORED_LABEL)
        return mlm_loss(encoded.text, matched, self.network.mlm_logits, everywhere=everywhere)

    def with_features(self, batch: PairBatch) -> tuple[Patches, KaleidoTargets]:
        """Patches and targets of a batch as features; the backbone computes those that are still crops."""
        patches, targets = batch.patches, batch.kaleido or KaleidoTargets()
        if patches is None:
            raise InputError("data.init_args.kaleido: null; Kaleido-BERT sees photographs as kaleido patches")
        if self.backbone is None:
            return patches, targets
        crops, extra = patches.features, targets.grey_target
        joined = crops if extra is None else torch.cat([crops, extra], dim=1)
        features = crop_features(self.backbone, joined)
        if extra is not None:
            targets.grey_target = features[:, crops.shape[1] :]
        return Patches(features[:, : crops.shape[1]], patches.boxes), targets

    def _patch_losses(
        self, encoded: Encoded, patches: Patches, targets: KaleidoTargets, kept: Tensor | slice
    ) -> dict[str, tuple[Tensor, Tensor | None]]:
        """Loss and accuracy of each AKPM sub-task that is on, over the pairs that are kept."""
        found: dict[str, tuple[Tensor, Tensor | None]] = {}
        for name in ("rotation", "jigsaw", "camouflage"):
            if name in self.weights:
                logits = getattr(self.network, f"{name}_logits")(encoded)[kept]
                labels = getattr(targets, name)[kept]
                hits = (logits.argmax(-1) == labels).float().sum() / max(1, len(labels))
                found[name] = choice_loss(logits, labels), hits
        if self.grey and targets.grey is not None and targets.grey_target is not None:
            predicted = self.network.grey_prediction(encoded.chosen(4, targets.grey))
            found["grey"] = grey_loss(predicted[kept], targets.grey_target[kept], self.grey.target), None
        if self.blank and targets.blank is not None:
            level = self.network.blank_level
            predicted = self.network.blank_prediction(encoded.chosen(level, targets.blank))
            whole = patches.features[:, self.network.grid.span(level)]
            original = whole.gather(1, targets.blank[..., None].expand(-1, -1, whole.shape[2]))
            found["blank"] = blank_loss(predicted[kept], original[kept]), None
        return found

    def test_step(self, batch: RetrievalBatch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """One batch of the protocol this loader serves."""
        protocol = self.protocols[dataloader_idx]
        if self.backbone is not None and batch.patches is not None:
            batch.patches = Patches(crop_features(self.backbone, batch.patches.features), batch.patches.boxes)
        scores = score_candidates(self.network, batch, self.scored_pairs)
        self._ranks(protocol).update(batch.query_ids, scores, batch.positive)
        self.examples.add_queries(protocol, batch.query_ids, scores)

    def on_test_epoch_end(self) -> None:
        """Log `protocol/metric`."""
        for name in self.protocols:
            self.log_scores(name, self._ranks(name).compute())

    def per_query(self) -> dict[str, dict[str, Any]]:
        """Arrays behind each protocol's rates, for intervals and paired tests."""
        return {name: self._ranks(name).per_query() for name in self.protocols}

    def _ranks(self, protocol: TestProtocol) -> RetrievalRanks:
        return cast(RetrievalRanks, self.ranks[protocol])


def crop_features(backbone: PatchBackbone, crops: Tensor) -> Tensor:
    """Features `[B, K, D]` of crops `[B, K, 3, S, S]` uint8."""
    return backbone(crops.flatten(0, 1).float().div_(255)).unflatten(0, crops.shape[:2])
