"""MVLT pre-training: ITM, MLM and MIR together; tested on zero-shot retrieval and masked image generation."""

from dataclasses import replace
from typing import Literal, cast

import torch
from torch import Tensor, nn

from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.records import PairBatch
from fashionvl.errors import InputError
from fashionvl.masking.image import hide
from fashionvl.models.protocols import Reconstructs, require
from fashionvl.objectives.language import MLM
from fashionvl.objectives.matching import ITM
from fashionvl.objectives.reconstruction import MIR, mir_loss
from fashionvl.tasks.base import Named
from fashionvl.tasks.masked_pretraining import MaskedTask, retrieval_tests
from fashionvl.tasks.optimization import Optimization
from fashionvl.tasks.speed import Speed
from fashionvl.tasks.testing import GenerationTest, Test


class MVLTPretraining(MaskedTask):
    """The three objectives of MVLT section 3.2, each switched off by `null`."""

    mlm: MLM | None

    def __init__(
        self,
        network: nn.Module,
        itm: ITM | None = ITM(),  # noqa: B008 - frozen
        mlm: MLM | None = MLM(),  # noqa: B008 - frozen
        mir: MIR | None = MIR(),  # noqa: B008 - frozen
        views: Literal["joint", "alternate"] = "joint",
        masked_every: int = 2,
        on_negatives: bool = True,
        optimization: Optimization = Optimization(),  # noqa: B008 - frozen
        scored_pairs: int | None = None,
        speed: Speed = Speed(),  # noqa: B008 - frozen
        tests: list[Test] | None = None,
    ) -> None:
        """Assemble the task.

        Args:
            network: the model, MVLT or another one that `Reconstructs`.
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
            tests: what it is tested on; None is retrieval where ITM is on, masked image generation where MIR
                is.

        Raises:
            InputError: every objective is off, some steps would have none, or `masked_every` is not positive.
        """
        super().__init__(optimization, speed)
        if masked_every < 1:
            raise InputError(f"model.init_args.masked_every: {masked_every} must be at least 1")
        if views == "alternate" and itm is None and mlm is None and mir is not None and not mir.on_clean:
            raise InputError(
                "model.init_args.mir.on_clean: with views alternate and mir alone it must be true"
            )
        require(network, Reconstructs, type(self).__name__)
        self.itm, self.mlm, self.mir, self.on_negatives = itm, mlm, mir, on_negatives
        self.views, self.masked_every = views, masked_every
        self._painted = False
        painted = [GenerationTest(mir.mask, self.paint)] if mir else []
        own = [*retrieval_tests(itm, scored_pairs), *painted]
        self.assemble(network, {"itm": itm, "mlm": mlm, "mir": mir}, tests, own)

    @property
    def _painter(self) -> Reconstructs:
        return cast(Reconstructs, self.network)

    @property
    def corruption(self) -> Corruption:
        """Mismatched captions, masked tokens and hidden pixels, as far as the objectives are on."""
        return Corruption(
            image=self.mir.mask if self.mir else None,
            text=self.mlm.mask if self.mlm else None,
            pairing=self.itm.pairing if self.itm else None,
        )

    def losses(self, batch: PairBatch, step: int | None) -> tuple[Named, Named]:
        """Compute the losses of one training step, or those of the dev split.

        On the dev split ITM and MLM see the whole photograph, as retrieval will; MIR is masked.
        """
        if step is not None:
            return self.view_losses(batch, self._masks(step))
        losses, scores = self.view_losses(batch, masked=False)
        if self.mir:
            hidden = self._painter.encode_pairs(self._view(batch, masked=True), "all")
            losses["mir"] = self._reconstruction_loss(batch, hidden.visual)
        return losses, scores

    def _masks(self, step: int) -> bool:
        turn = self.views == "joint" or (step + 1) % self.masked_every == 0
        return self.mir is not None and turn

    def _paints(self, masked: bool) -> bool:
        return self.mir is not None and (masked or self.mir.on_clean)

    def training_step(self, batch: PairBatch, batch_idx: int) -> Tensor:
        """One step on one view of the photographs."""
        return super().training_step(batch, batch_idx) + self._idle_decoder(
            self._paints(self._masks(batch_idx))
        )

    def _idle_decoder(self, paints: bool) -> Tensor | float:
        """Nothing, tied to the decoder in a step without MIR: DDP waits for a gradient of every weight."""
        self._painted |= paints
        if self.mir is None or paints or not torch.distributed.is_initialized():
            return 0.0
        return 0 * torch.stack([weight.sum() for weight in self._painter.decoder.parameters()]).sum()

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Leave an idle decoder alone, as one process does: a zero gradient would let its momentum act."""
        if not self._painted:
            for weight in self._painter.decoder.parameters():
                weight.grad = None
        self._painted = False

    def view_losses(self, batch: PairBatch, masked: bool) -> tuple[Named, Named]:
        """Compute the losses that apply to one view of the photographs, and accuracies to watch.

        Args:
            batch: on the device, photographs in [0, 1].
            masked: whether the photographs' masked pixels are hidden.
        """
        view = self._view(batch, masked)
        paints = self._paints(masked)
        encoded = self._painter.encode_pairs(view, "all" if paints else self._need())
        losses, scores = self.pair_losses(view, encoded)
        if paints:
            losses["mir"] = self._reconstruction_loss(batch, encoded.visual)
        return losses, scores

    @staticmethod
    def _view(batch: PairBatch, masked: bool) -> PairBatch:
        if not masked or batch.image_mask is None:
            return batch
        return replace(batch, pixel_values=hide(batch.pixel_values, batch.image_mask))

    def _reconstruction_loss(self, batch: PairBatch, visual: list[Tensor]) -> Tensor:
        original = batch.pixel_values
        if not self.on_negatives:
            kept = batch.itm_labels.bool()
            visual, original = [level[kept] for level in visual], original[kept]
        return mir_loss(self._reconstruct(visual, original), original) * self.share(len(original))

    def _reconstruct(self, visual: list[Tensor], original: Tensor) -> Tensor:
        height, width = original.shape[-2:]
        return self._painter.reconstruct(visual, (height, width))

    def paint(self, batch: PairBatch) -> Tensor:
        """Reconstruct photographs `[B, 3, H, W]` from pairs whose hidden pixels are masked."""
        return self._reconstruct(self._painter.encode_pairs(batch, "all").visual, batch.pixel_values)
