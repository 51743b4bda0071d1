"""Pausing and continuing, on a model of one weight."""

import os
import signal
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from torch import Tensor
from torchdata.stateful_dataloader import StatefulDataLoader

from fashionvl.data.batches.loaders import EpochSampler
from fashionvl.runs.folder import RunFolder
from fashionvl.training.resume import PauseOnInterrupt, SeedEachStep, last_checkpoint

STEPS_AN_EPOCH, EPOCHS = 3, 3
STEPS = STEPS_AN_EPOCH * EPOCHS
ITEMS = 2 * STEPS_AN_EPOCH + 1


class Numbers(torch.utils.data.Dataset[Any]):
    """Items are what was asked for: `(epoch, position)`."""

    def __len__(self) -> int:
        return ITEMS

    def __getitem__(self, key: tuple[int, int]) -> Tensor:
        return torch.tensor(key)


class KilledError(Exception):
    """Stands for SIGKILL: nothing is saved on the way out."""


class OneWeight(L.LightningModule):
    """Keeps what each step saw and drew; at one step somebody presses Ctrl-C or the machine goes down."""

    def __init__(self, at: int | None = None, presses: int = 1, workers: int = 0) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.at, self.presses, self.workers = at, presses, workers
        self.steps: list[tuple[Any, float]] = []
        self.validated: list[int] = []

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        noise = torch.rand(())
        self.steps.append((batch.tolist(), noise.item()))
        if self.global_step == self.at:
            if not self.presses:
                raise KilledError
            for _ in range(self.presses):
                os.kill(os.getpid(), signal.SIGINT)
        return (self.weight - batch.float().mean() - noise).square()

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.validated.append(self.current_epoch)

    def train_dataloader(self) -> Any:
        epoch = self.trainer.fit_loop.epoch_progress.current.processed
        sampler = EpochSampler(Numbers(), 0, 1, 0, epoch)
        return StatefulDataLoader(
            Numbers(), batch_size=2, sampler=sampler, drop_last=True,
            num_workers=self.workers, persistent_workers=self.workers > 0,
        )  # fmt: skip

    def val_dataloader(self) -> Any:
        return torch.utils.data.DataLoader([0.0])  # type: ignore[arg-type]

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD([self.weight], lr=0.1, momentum=0.9)
        return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)]


def _train(path: Path, model: OneWeight) -> OneWeight:
    folder = RunFolder(path)
    trainer = L.Trainer(
        accelerator="cpu", max_epochs=EPOCHS, logger=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, use_distributed_sampler=False,
        callbacks=[SeedEachStep(0), PauseOnInterrupt(folder), last_checkpoint(folder)],
    )  # fmt: skip
    continued = str(folder.last_checkpoint) if folder.last_checkpoint.exists() else None
    trainer.fit(model, ckpt_path=continued)
    return model


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> OneWeight:
    """A run left alone."""
    model = _train(tmp_path_factory.mktemp("whole"), OneWeight())
    assert len(model.steps) == STEPS
    assert model.validated == list(range(EPOCHS))
    return model


def _check_rest(path: Path, whole: OneWeight, done: int, workers: int) -> None:
    """Continue a run and compare what it does from step `done` on."""
    rest = _train(path, OneWeight(workers=workers))
    assert rest.steps == whole.steps[done:]
    assert rest.weight.item() == whole.weight.item()
    assert rest.validated == whole.validated[done // STEPS_AN_EPOCH :]


@pytest.mark.parametrize(
    ("at", "workers"), [*((step, 0) for step in range(STEPS - 1)), (1, 1), (5, 1), (6, 1)]
)
def test_a_paused_run_goes_on_as_if_nothing_had_happened(
    tmp_path: Path, whole: OneWeight, at: int, workers: int
) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        _train(tmp_path, OneWeight(at, workers=workers))
    assert signal.getsignal(signal.SIGINT) is before
    _check_rest(tmp_path, whole, at + 1, workers)


@pytest.mark.parametrize(("at", "workers"), [(1, 0), (4, 0), (7, 0), (4, 1), (7, 1)])
def test_a_killed_run_goes_on_from_the_end_of_an_epoch(
    tmp_path: Path, whole: OneWeight, at: int, workers: int
) -> None:
    with pytest.raises(KilledError):
        _train(tmp_path, OneWeight(at, presses=0, workers=workers))
    _check_rest(tmp_path, whole, at // STEPS_AN_EPOCH * STEPS_AN_EPOCH, workers)


def test_a_run_paused_twice_goes_on_too(tmp_path: Path, whole: OneWeight) -> None:
    for at in (3, 4):
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            _train(tmp_path, OneWeight(at))
    _check_rest(tmp_path, whole, 5, 0)


def test_ctrl_c_at_the_last_step_lets_the_run_end(tmp_path: Path, whole: OneWeight) -> None:
    pressed = _train(tmp_path, OneWeight(STEPS - 1))
    assert pressed.steps == whole.steps
    assert pressed.validated == whole.validated


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        _train(tmp_path, OneWeight(1, presses=2))
    assert not RunFolder(tmp_path).last_checkpoint.exists()
    assert signal.getsignal(signal.SIGINT) is before
