"""The loaders of a task: training and dev pairs, the batches of its tests, rows to work through."""

import os
from abc import abstractmethod
from typing import Any, Literal

import numpy as np
from torch.utils.data import Dataset
from torchdata.stateful_dataloader import StatefulDataLoader

from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.batches.loaders import EpochSampler, ShardSampler, fetching_loader
from fashionvl.data.batches.pairs import PairDataset
from fashionvl.data.batches.rows import RowDataset
from fashionvl.data.batches.transfer import OntoDevice
from fashionvl.data.catalogue import SPLITS, Split
from fashionvl.data.index.catalogue import CatalogueIndex
from fashionvl.data.requests import AsksForData, WorksThroughRows
from fashionvl.errors import InputError


class ServesTask(OntoDevice):
    """The loaders that Lightning asks for, made as the attached task asks.

    Attributes:
        batch_size: pairs a process takes in a training step.
        test_batch_size: pairs a process takes in a dev or test step.
        num_workers: loading processes of a loader.
        prefetch: batches that each of them loads ahead.
        train_rows: rows `[R]` of the training file to train on.
        dev_rows: rows of the training file that are kept for dev.
    """

    batch_size: int
    test_batch_size: int
    num_workers: int
    prefetch: int
    train_rows: np.ndarray
    dev_rows: np.ndarray

    _attached: AsksForData | None = None

    @abstractmethod
    def pairs(self, split: Literal["train", "dev", "test"], corruption: Corruption, seed: int) -> PairDataset:
        """The pairs of a split under a corruption."""

    @abstractmethod
    def index_of(self, split: Split) -> CatalogueIndex:
        """The index of one of the two files."""

    def attach(self, task: AsksForData) -> None:
        """Serve a task from now on: its corruption in training, its tests, its work."""
        self._attached = task

    @property
    def _task(self) -> AsksForData:
        if self._attached is None:
            raise RuntimeError("the DataModule serves no task yet; attach one, as PairTask.setup does")
        return self._attached

    def place(self) -> tuple[int, int]:
        """Return the number of processes and the rank of this one."""
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)

    def _epoch(self) -> int:
        """Return the epoch to train next; a checkpoint is restored before the loader is built."""
        if self.trainer is None:
            return 0
        return int(self.trainer.fit_loop.epoch_progress.current.processed)  # type: ignore[attr-defined]

    def train_dataloader(self) -> StatefulDataLoader:
        """Shuffled training pairs, corrupted as the task asks; resumable in mid-epoch."""
        seed = int(os.environ.get("PL_GLOBAL_SEED", "0"))
        dataset = self.pairs("train", self._task.corruption, seed)
        replicas, rank = self.place()
        if len(dataset) < self.batch_size * replicas:
            raise InputError(
                f"data.batch_size: {self.batch_size} pairs on each of {replicas} processes is more than the "
                f"{len(dataset)} training pairs"
            )
        sampler = EpochSampler(dataset, seed, replicas, rank, self._epoch())
        return self._loader(dataset, sampler, self.batch_size, drop_last=True)

    def train_batches(self) -> int:
        """Training batches an epoch has on each process, counted without building the loader."""
        replicas, _ = self.place()
        return len(self.train_rows) // (self.batch_size * replicas)

    def val_dataloader(self) -> StatefulDataLoader | list[Any]:
        """Dev pairs under one fixed corruption, so that epochs compare."""
        if not len(self.dev_rows):
            return []
        return self.each_once(self.pairs("dev", self._task.corruption, seed=0))

    def test_dataloader(self) -> list[Any]:
        """One loader for each of the task's tests, in order."""
        return [test.loader(self) for test in self._task.tests]

    def each_once(
        self, dataset: Dataset[Any], batch_size: int | None = -1, with_epoch: bool = True
    ) -> StatefulDataLoader:
        """Return a loader that gives every item of a dataset once over all processes, in order.

        Args:
            dataset: fetches whole batches.
            batch_size: items a batch holds; -1 is `test_batch_size`, None takes items that are batches.
            with_epoch: ask for items as `(0, position)`, as `PairDataset` wants.
        """
        size = self.test_batch_size if batch_size == -1 else batch_size
        return self._loader(dataset, ShardSampler(dataset, *self.place(), with_epoch=with_epoch), size)

    def predict_dataloader(self) -> StatefulDataLoader:
        """Photographs as stored, of every row that the task has still to work through."""
        task, (replicas, rank) = self._task, self.place()
        if not isinstance(task, WorksThroughRows):
            raise InputError(
                f"predict: {type(task).__name__} computes nothing once a photograph; use fit or test"
            )
        readers = {split: self.index_of(split).reader for split in SPLITS}
        dataset = RowDataset(readers, task.work[rank::replicas], self.test_batch_size)
        return fetching_loader(dataset, self.num_workers, self.prefetch, pin=False, batch_size=None)

    def _loader(
        self, dataset: Dataset[Any], sampler: Any, batch_size: int | None, drop_last: bool = False
    ) -> Any:
        return fetching_loader(
            dataset,
            self.num_workers,
            self.prefetch,
            batch_size=batch_size,
            sampler=sampler,
            drop_last=drop_last,
        )
