"""Samplers: which item is fetched when, by which process, in a form that resumes."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import Dataset
from torch.utils.data.distributed import DistributedSampler


class EpochSampler(DistributedSampler[Any]):
    """Shuffles anew each epoch and yields `(epoch, position)`, so that workers need not be told the epoch.

    Lightning calls `set_epoch` and leaves a `DistributedSampler` as it is. Every process gets equally many
    items; the last incomplete round over the processes is dropped, never repeated.
    """

    def __init__(self, dataset: Dataset[Any], seed: int, replicas: int, rank: int) -> None:
        super().__init__(dataset, num_replicas=replicas, rank=rank, shuffle=True, seed=seed, drop_last=True)

    def __iter__(self) -> Iterator[Any]:
        generator = torch.Generator().manual_seed(self.seed + 1_000_003 * self.epoch)
        order = torch.randperm(len(self.dataset), generator=generator)  # type: ignore[arg-type]
        # Interleaved, so that a global batch holds the same items whatever the number of processes.
        for position in order[: self.total_size][self.rank :: self.num_replicas].tolist():
            yield self.epoch, position


class ShardSampler(DistributedSampler[Any]):
    """Every item exactly once over all processes, in order; nothing is repeated to even out the shards."""

    def __init__(self, dataset: Dataset[Any], replicas: int, rank: int, with_epoch: bool) -> None:
        super().__init__(dataset, num_replicas=replicas, rank=rank, shuffle=False)
        self._with_epoch = with_epoch

    def __iter__(self) -> Iterator[Any]:
        for position in range(self.rank, len(self.dataset), self.num_replicas):  # type: ignore[arg-type]
            yield (0, position) if self._with_epoch else position

    def __len__(self) -> int:
        return len(range(self.rank, len(self.dataset), self.num_replicas))  # type: ignore[arg-type]
