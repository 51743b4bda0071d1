"""Base of every task on image-text pairs: steps, tests, optimiser, logging, a halt at the first NaN."""

import math
from typing import Any, cast

import lightning as L
import torch
from torch import Tensor, nn

from fashionvl.data.batches.corruption import CLEAN, Corruption
from fashionvl.data.datamodule import FashionGenDataModule, data_of
from fashionvl.data.records import PairBatch, Pairs
from fashionvl.errors import InputError
from fashionvl.tasks.optimization import Optimization
from fashionvl.tasks.speed import Speed
from fashionvl.tasks.testing.base import Arrays, Result, Test

Named = dict[str, Tensor]
"""Scalars by name."""


class NonFiniteLossError(RuntimeError):
    """A loss became NaN or infinite; the message says where and with what."""


class PairTask(L.LightningModule):
    """A LightningModule over `PairBatch`: a subclass writes `losses` and names its tests.

    Attributes:
        network: what is trained and tested.
        weights: of the losses in their total; 1 for those not named.
        tests: in the order of the test loaders.
        results: of the last test, by protocol.
        data: the DataModule, once `setup` has attached the task to it.
    """

    network: nn.Module
    data: FashionGenDataModule

    def __init__(self, optimization: Optimization, speed: Speed = Speed()) -> None:  # noqa: B008 - frozen
        super().__init__()
        self.optimization, self.speed = optimization, speed
        self.weights: dict[str, float] = {}
        self.tests: nn.ModuleList = nn.ModuleList()
        self.results: dict[str, Result] = {}

    def test_with(self, tests: list[Test]) -> None:
        """Choose the tests.

        Raises:
            InputError: two share a name.
        """
        names = [test.name for test in tests]
        if double := next((name for name in names if names.count(name) > 1), None):
            raise InputError(f"model.init_args.tests: two tests are named {double}; one of them can go")
        self.tests = nn.ModuleList(tests)

    @property
    def corruption(self) -> Corruption:
        """Corruption that the DataModule applies to training and dev pairs."""
        return CLEAN

    def losses(self, batch: PairBatch, step: int | None) -> tuple[Named, Named]:
        """Compute losses, and scores to watch, by name.

        Args:
            batch: on the device, photographs in [0, 1].
            step: number of the training batch in its epoch; None on the dev split.
        """
        raise NotImplementedError(f"{type(self).__name__} trains nothing")

    def setup(self, stage: str) -> None:
        """Attach to the DataModule; check it against the network and every test.

        Raises:
            InputError: the network cannot read the data, or a test cannot be served.
        """
        self.data = data_of(self.trainer)
        self.data.attach(self)
        self.check_data()
        self.prepare_network(stage)
        for test in self._tests():
            test.prepare(self.network, self.data)

    def check_data(self) -> None:
        """Refuse data that the network cannot read.

        Raises:
            InputError: naming what the data have and what the network has.
        """

    def prepare_network(self, stage: str) -> None:
        """Load weights to start from, and give the network what depends on the data.

        Args:
            stage: fit, validate, test or predict.

        Raises:
            InputError: the weights do not fit.
        """

    def _tests(self) -> list[Test]:
        return [cast(Test, test) for test in self.tests]

    def training_step(self, batch: PairBatch, batch_idx: int) -> Tensor:
        """One step; the total is the weighted sum of the losses."""
        losses, scores = self.losses(batch, batch_idx)
        self.halt_unless_finite(losses, batch.rows, batch_idx)
        total = self.total(losses)
        values = {"loss": total, **losses, **scores}
        self.log_all("train", {name: v.detach() for name, v in values.items()}, len(batch), on_step=True)
        return total

    def validation_step(self, batch: PairBatch, batch_idx: int) -> None:
        """Losses and scores on the dev split under one fixed corruption, so that epochs compare."""
        losses, scores = self.losses(batch, None)
        self.log_all("dev", {"loss": self.total(losses), **losses, **scores}, len(batch))

    def seen(self, batch: Any) -> Any:
        """Return a test batch as the network reads it."""
        return batch

    def blank_pair(self) -> Pairs:
        """Return one pair of full length with nothing on it, as the network reads it, to count its work."""
        return self.data.blank_pair(self.device)

    def on_test_epoch_start(self) -> None:
        """Forget an earlier test."""
        for test in self._tests():
            test.forget()

    def test_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Pass one batch to the test whose loader gave it."""
        self._tests()[dataloader_idx].step(self.network, self.seen(batch))

    def on_test_epoch_end(self) -> None:
        """Log `protocol/metric`, and keep the arrays behind them."""
        found = [result for test in self._tests() for result in test.results(self.network, self.data)]
        self.results = {result.name: result for result in found}
        for result in found:
            self.log_scores(result.name, result.scores)

    def facts(self) -> dict[str, dict[str, Any]]:
        """Return what tests add to the record, section by section."""
        found: dict[str, dict[str, Any]] = {}
        for test in self._tests():
            for section, entries in test.facts(self.data).items():
                found.setdefault(section, {}).update(entries)
        return found

    def examples(self) -> dict[str, Arrays]:
        """Return examples of the tests for the report's pictures, by the stem of their `.npz`."""
        return {stem: arrays for test in self._tests() for stem, arrays in test.examples(self.data).items()}

    def configure_optimizers(self) -> Any:
        """AdamW and its schedule over the whole run."""
        steps, steps_per_epoch = self._optimizer_steps()
        global_batch = (
            data_of(self.trainer).batch_size * self.trainer.world_size * self.trainer.accumulate_grad_batches
        )
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
        batches, limit = data_of(trainer).train_batches(), trainer.limit_train_batches
        batches = min(batches, limit) if isinstance(limit, int) else int(batches * limit)
        steps_per_epoch = math.ceil(batches / trainer.accumulate_grad_batches)
        endless = trainer.max_epochs is None or trainer.max_epochs < 0
        steps = trainer.max_steps if endless else steps_per_epoch * max(trainer.max_epochs or 0, 1)
        return (min(steps, trainer.max_steps) if trainer.max_steps >= 0 else steps), steps_per_epoch

    def share(self, count: Tensor | int) -> Tensor | float:
        """Return the factor that makes DDP's average of means over `count` items a global mean.

        Masked tokens and matched pairs are not equally many in every process; without this, two processes
        would learn something else than one with the same global batch.
        """
        if not self.training or not torch.distributed.is_initialized():
            return 1.0
        everywhere = torch.as_tensor(count, device=self.device).to(torch.float32, copy=True)
        torch.distributed.all_reduce(everywhere)
        return count * torch.distributed.get_world_size() / everywhere.clamp(min=1.0)

    def total(self, losses: Named) -> Tensor:
        """Return the weighted sum of the losses (MVLT Eq. 8)."""
        return torch.stack([self.weights.get(name, 1.0) * value for name, value in losses.items()]).sum()

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
