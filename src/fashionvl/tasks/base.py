"""What every task on image-text pairs shares: optimiser, logging of named losses, a halt at the first NaN."""

import math
from typing import Any

import lightning as L
import torch
from torch import Tensor

from fashionvl.data.batches.corruption import CLEAN, Corruption
from fashionvl.data.requests import TestProtocol
from fashionvl.tasks.optimization import Optimization
from fashionvl.tasks.speed import Speed


class NonFiniteLossError(RuntimeError):
    """A loss became NaN or infinite; the message says where and with what."""


class PairTask(L.LightningModule):
    """A LightningModule over `PairBatch`; subclasses say what they learn and what they are tested on.

    Attributes:
        protocols: test protocols, in the order of the test loaders.
    """

    protocols: tuple[TestProtocol, ...] = ()

    def __init__(self, optimization: Optimization, speed: Speed = Speed()) -> None:  # noqa: B008 - frozen
        super().__init__()
        self.optimization, self.speed = optimization, speed

    @property
    def corruption(self) -> Corruption:
        """What the DataModule does to training and dev pairs."""
        return CLEAN

    def configure_optimizers(self) -> Any:
        """AdamW and its schedule over the whole run."""
        steps, steps_per_epoch = self._optimizer_steps()
        batch = self.trainer.datamodule.batch_size  # type: ignore[attr-defined]
        global_batch = batch * self.trainer.world_size * self.trainer.accumulate_grad_batches
        # Fused AdamW unscales float16 gradients by itself, after they would have been clipped.
        clips_scaled = self.trainer.precision == "16-mixed" and bool(self.trainer.gradient_clip_val)
        fused = self.optimization.fused and not clips_scaled
        return self.optimization.build(self, steps, steps_per_epoch, global_batch, fused)

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: int | float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip as Lightning does, also in bfloat16 with a fused optimiser, where nothing is ever scaled."""
        clips = gradient_clip_val and gradient_clip_algorithm in (None, "norm")
        if clips and self.trainer.precision == "bf16-mixed":
            torch.nn.utils.clip_grad_norm_(self.parameters(), float(gradient_clip_val or 0))
            return
        self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)

    def _optimizer_steps(self) -> tuple[int, int]:
        """Optimiser steps of the run and of an epoch.

        Lightning's `estimated_stepping_batches` builds the training loader to count, before a checkpoint is
        restored; a run continued in mid-epoch would then start the epoch's data anew.
        """
        trainer = self.trainer
        batches, limit = trainer.datamodule.train_batches(), trainer.limit_train_batches  # type: ignore[attr-defined]
        batches = min(batches, limit) if isinstance(limit, int) else int(batches * limit)
        steps_per_epoch = math.ceil(batches / trainer.accumulate_grad_batches)
        endless = trainer.max_epochs is None or trainer.max_epochs < 0
        steps = trainer.max_steps if endless else steps_per_epoch * max(trainer.max_epochs or 0, 1)
        return (min(steps, trainer.max_steps) if trainer.max_steps >= 0 else steps), steps_per_epoch

    def share(self, count: Tensor | int) -> Tensor | float:
        """What a mean over `count` items weighs here, so that DDP's mean over processes is over all items.

        Masked tokens and matched pairs are not equally many in every process; without this, two processes
        would learn something else than one with the same global batch.
        """
        if not self.training or not torch.distributed.is_initialized():
            return 1.0
        everywhere = torch.as_tensor(count, device=self.device).to(torch.float32, copy=True)
        torch.distributed.all_reduce(everywhere)
        return count * torch.distributed.get_world_size() / everywhere.clamp(min=1.0)

    def total(self, losses: dict[str, Tensor], weights: dict[str, float]) -> Tensor:
        """The weighted sum of the losses (MVLT Eq. 8)."""
        return torch.stack([weights[name] * value for name, value in losses.items()]).sum()

    def log_all(self, split: str, values: dict[str, Any], size: int, on_step: bool = False) -> None:
        """Log `split/name` averaged over the epoch, and each step when asked."""
        named = {f"{split}/{name}": value for name, value in values.items()}
        self.log_dict(
            named, batch_size=size, on_step=on_step, on_epoch=True, sync_dist=True, add_dataloader_idx=False
        )

    def log_scores(self, protocol: str, scores: dict[str, float]) -> None:
        """Log `protocol/metric` of a test; the metric has already gathered its rows from every process."""
        self.log_dict({f"{protocol}/{key}": torch.tensor(float(value)) for key, value in scores.items()})

    def halt_unless_finite(self, losses: dict[str, Tensor], rows: Tensor, batch_idx: int) -> None:
        """Stop before a NaN reaches the weights.

        On a GPU the check waits for the device, so it is made at the trainer's logging interval only.

        Raises:
            NonFiniteLossError: naming epoch, step, losses and rows.
        """
        if self.device.type != "cpu":
            interval = self.trainer.log_every_n_steps  # type: ignore[attr-defined]  # a connector sets it
            if batch_idx % max(1, interval):
                return
        values = {name: float(value.detach()) for name, value in losses.items()}
        if all(torch.isfinite(torch.tensor(value)) for value in values.values()):
            return
        shown = ", ".join(f"{name}={value:g}" for name, value in values.items())
        raise NonFiniteLossError(
            f"a loss is not finite in epoch {self.current_epoch}, step {self.global_step}: {shown}; "
            f"training rows of the batch: {rows.tolist()}; the last good checkpoint is kept; "
            "lower model.init_args.optimization.lr or look at these rows"
        )
