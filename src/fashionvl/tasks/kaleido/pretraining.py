"""Kaleido-BERT pre-training: AMLM, ITM and the five AKPM sub-tasks; tested on zero-shot retrieval."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.records import KaleidoTargets, PairBatch, Pairs, Patches
from fashionvl.data.visual.corruption import PatchCorruption
from fashionvl.errors import InputError
from fashionvl.masking.alignment import AlignmentGuidedMask
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
from fashionvl.objectives.language import AMLM
from fashionvl.objectives.matching import ITM
from fashionvl.tasks.base import Named
from fashionvl.tasks.initialization import check_input
from fashionvl.tasks.kaleido.examples import transformed_patches
from fashionvl.tasks.masked_pretraining import MaskedTask, Weighted, retrieval_tests
from fashionvl.tasks.optimization import Optimization
from fashionvl.tasks.speed import Speed
from fashionvl.tasks.testing.base import Arrays, Test

EVERY = slice(None)


class KaleidoPretraining(MaskedTask):
    """The seven losses of Kaleido-BERT section 3.6, each switched off by `null`."""

    network: KaleidoBERT

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
        tests: list[Test] | None = None,
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
            tests: what it is tested on; None is retrieval in both directions where ITM is on.

        Raises:
            InputError: every objective is off.
        """
        super().__init__(optimization, speed)
        specs: dict[str, Weighted | None] = {
            "itm": itm, "mlm": mlm, "rotation": rotation, "jigsaw": jigsaw,
            "camouflage": camouflage, "grey": grey, "blank": blank,
        }  # fmt: skip
        self.backbone = backbone
        self.itm, self.mlm, self.grey, self.blank = itm, mlm, grey, blank
        self.masking, self.on_negatives = masking, on_negatives
        self.assemble(network, specs, tests, retrieval_tests(itm, scored_pairs))
        # ITM and recognition alone read the pooled state.
        network.pooler.requires_grad_(itm is not None)

    def check_data(self) -> None:
        """Check that tokens have embeddings and that the patches are those of the network."""
        check_input(self.network, self.data, self.backbone)

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

    def losses(self, batch: PairBatch, step: int | None) -> tuple[Named, Named]:
        """Compute losses by name, and the accuracies of those that classify (Figs. 6, 7)."""
        patches, targets = self.with_features(batch)
        encoded = self.network.encode(batch.input_ids, batch.attention_mask, patches, blank=targets.blank)
        losses, scores = self.pair_losses(replace(batch, patches=patches, kaleido=targets), encoded)
        kept = EVERY if self.on_negatives else batch.itm_labels.bool()
        weight = 1.0 if isinstance(kept, slice) else self.share(kept.sum())
        for name, (loss, accuracy) in self._patch_losses(encoded, patches, targets, kept).items():
            losses[name] = loss * weight
            if accuracy is not None:
                scores[f"{name}_accuracy"] = accuracy
        return losses, scores

    def pooled(self, batch: PairBatch) -> Tensor:
        """Pool B pairs whose patches are features; those to be blanked are blank."""
        return self.network.pool(batch, None if batch.kaleido is None else batch.kaleido.blank)

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

    def seen(self, batch: Any) -> Any:
        """Return a test batch with features for crops."""
        if self.backbone is not None and batch.patches is not None:
            batch.patches = Patches(crop_features(self.backbone, batch.patches.features), batch.patches.boxes)
        return batch

    def blank_pair(self) -> Pairs:
        """Return one pair of full length; what the backbone makes of crops is not the network's work."""
        pair = super().blank_pair()
        if self.backbone is not None and pair.patches is not None:
            shape = 1, len(pair.patches.boxes[0]), self.backbone.width
            pair.patches = Patches(torch.zeros(shape, device=self.device), pair.patches.boxes)
        return pair

    def examples(self) -> dict[str, Arrays]:
        """Return the tests' examples, and patches plain and transformed with the model's answers."""
        return {**super().examples(), "kaleido": transformed_patches(self, self.data)}


def crop_features(backbone: PatchBackbone, crops: Tensor) -> Tensor:
    """Features `[B, K, D]` of crops `[B, K, 3, S, S]` uint8."""
    return backbone(crops.flatten(0, 1).float().div_(255)).unflatten(0, crops.shape[:2])
