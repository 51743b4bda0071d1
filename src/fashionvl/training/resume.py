"""Exact continuation: seeds by step, a pause on Ctrl-C, the last checkpoint."""

import signal
import sys
from types import FrameType
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint

from fashionvl.runs.folder import RunFolder


class SeedEachStep(Callback):
    """Seeds torch from (seed, step, process) before a training step: a continued run has the same dropout."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """Seed from the batches trained so far, which checkpoints restore."""
        step = trainer.fit_loop.total_batch_idx + 1
        torch.manual_seed((self.seed * 1_000_003 + step) * 65_536 + trainer.global_rank)


class PauseOnInterrupt(Callback):
    """Ctrl-C finishes the running step, saves `last.ckpt`, then stops; a second Ctrl-C stops at once."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._asked = False
        self._previous: Any = None

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take over SIGINT."""
        self._previous = signal.signal(signal.SIGINT, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        print("\nfinishing this step, then saving; press Ctrl-C again to stop at once", file=sys.stderr)  # noqa: T201

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """Save where the run can continue exactly, then stop.

        An epoch's last batch is followed by validation, which a run continued from here would leave out: then
        the end of the epoch is waited for.
        """
        if self._asked and not trainer.is_last_batch:
            trainer.save_checkpoint(self.folder.last_checkpoint)
            raise KeyboardInterrupt

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Stop between epochs; `last.ckpt` has just been written."""
        if self._asked:
            raise KeyboardInterrupt

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Give SIGINT back."""
        self._release()

    def on_exception(
        self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException
    ) -> None:
        """Give SIGINT back."""
        self._release()

    def _release(self) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None


def last_checkpoint(folder: RunFolder) -> ModelCheckpoint:
    """Overwrites `checkpoints/last.ckpt` after every epoch's validation."""
    return ModelCheckpoint(
        dirpath=folder.checkpoints,
        filename="last",
        save_top_k=1,
        every_n_epochs=1,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
