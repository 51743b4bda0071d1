"""Loaders and samplers that shard items over processes and resume within an epoch."""

from collections.abc import Iterator
from typing import Any

import cv2
import torch
from torch.utils.data import Dataset
from torch.utils.data.distributed import DistributedSampler
from torchdata.stateful_dataloader import StatefulDataLoader


def fetching_loader(
    dataset: Dataset[Any], workers: int, prefetch: int, pin: bool = True, **options: Any
) -> StatefulDataLoader:
    """A loader of a dataset that fetches whole batches.

    Args:
        dataset: its `__getitems__` gives a batch, or with `batch_size=None` its `__getitem__` does.
        workers: loading processes, of one thread each; 0 loads in this process.
        prefetch: batches each of them loads ahead.
        pin: put batches into page-locked memory where there is a GPU, for copies that nobody waits for.
        options: further ones of `StatefulDataLoader`.
    """
    return StatefulDataLoader(
        dataset,
        collate_fn=_as_fetched,
        num_workers=workers,
        prefetch_factor=prefetch if workers else None,
        persistent_workers=workers > 0,
        worker_init_fn=_on_one_thread,
        pin_memory=pin and torch.cuda.is_available(),
        **options,
    )


def _as_fetched(batch: Any) -> Any:
    """`__getitems__` already returns a batch."""
    return batch


def _on_one_thread(worker: int) -> None:
    """Limit OpenCV to one thread in a loading process; torch limits its own threads itself.

    0 has OpenCV leave its threads alone. 1 would have it stop them first, which hangs or crashes a forked
    process: those it inherited did not come along.
    """
    cv2.setNumThreads(0)


class EpochSampler(DistributedSampler[Any]):
    """Shuffles anew each epoch and yields `(epoch, position)`, so that workers need not be told the epoch.

    Lightning calls `set_epoch` and leaves a `DistributedSampler` as it is. Every process gets equally many
    items; the last incomplete round over the processes is dropped, never repeated. The place reached is part
    of the loader's state: without it, a loader would skip as many items of the first epoch's order.
    """

    def __init__(
        self, dataset: Dataset[Any], seed: int, replicas: int, rank: int, first_epoch: int = 0
    ) -> None:
        """Shuffle `dataset` for process `rank` of `replicas`.

        Args:
            dataset: only its length counts.
            seed: of the orders.
            replicas: processes.
            rank: of this process.
            first_epoch: until `set_epoch` is called. Loading processes fetch ahead as soon as they start,
                which in a continued run is before Lightning names the epoch.
        """
        super().__init__(dataset, num_replicas=replicas, rank=rank, shuffle=True, seed=seed, drop_last=True)
        self.epoch = first_epoch
        self._yielded = self._resume_at = 0

    def __iter__(self) -> Iterator[Any]:
        generator = torch.Generator().manual_seed(self.seed + 1_000_003 * self.epoch)
        order = torch.randperm(len(self.dataset), generator=generator)  # type: ignore[arg-type]
        # Interleaved, so that a global batch holds the same items whatever the number of processes.
        own = order[: self.total_size][self.rank :: self.num_replicas].tolist()
        self._yielded, self._resume_at = self._resume_at, 0
        for position in own[self._yielded :]:
            self._yielded += 1
            yield self.epoch, position

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, which seeds the order; a position reached in another epoch is dropped."""
        if epoch != self.epoch:
            self._resume_at = 0
        super().set_epoch(epoch)

    def state_dict(self) -> dict[str, int]:
        """The epoch and how many of its items were yielded."""
        return {"epoch": self.epoch, "yielded": self._yielded}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Let the next iteration start where `state_dict` was taken."""
        self.epoch, self._resume_at = state_dict["epoch"], state_dict["yielded"]


class ShardSampler(DistributedSampler[Any]):
    """Sampler that yields every item once over all processes, in order, without padding the shards."""

    def __init__(self, dataset: Dataset[Any], replicas: int, rank: int, with_epoch: bool) -> None:
        super().__init__(dataset, num_replicas=replicas, rank=rank, shuffle=False)
        self._with_epoch = with_epoch

    def __iter__(self) -> Iterator[Any]:
        for position in range(self.rank, len(self.dataset), self.num_replicas):  # type: ignore[arg-type]
            yield (0, position) if self._with_epoch else position

    def __len__(self) -> int:
        return len(range(self.rank, len(self.dataset), self.num_replicas))  # type: ignore[arg-type]
