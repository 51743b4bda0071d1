"""Gather tensors and plain data over the processes of a run."""

from typing import TypeVar

import torch
from torch import Tensor, distributed

from fashionvl.data.records import Embedding

T = TypeVar("T")


def everyones(own: T) -> list[T]:
    """Return the plain data of every process, in the order of the processes; of this one alone without DDP.

    Every process has to call it. CPU tensors and arrays may be among the data.
    """
    if not distributed.is_initialized():
        return [own]
    found: list[T | None] = [None] * distributed.get_world_size()
    distributed.all_gather_object(found, own)
    return found  # type: ignore[return-value]  # every place has been filled


def gather_rows(rows: Tensor) -> Tensor:
    """Return `[W * B, ...]` of `[B, ...]` on each of W processes, through which gradients flow back.

    Every process computes the same loss from all rows, so the gradient of its own rows comes W times over;
    DDP's mean over processes then makes the gradient of weights that of one process with the global batch.
    """
    from torch.distributed.nn.functional import all_gather

    return torch.cat(all_gather(rows.contiguous()))


def gather_embedding(embedding: Embedding) -> Embedding:
    """Return the embeddings of all processes; with a mask, padded to the longest of any of them."""
    if embedding.mask is None:
        return Embedding(gather_rows(embedding.values))
    longest = torch.tensor(embedding.values.shape[1], device=embedding.values.device)
    distributed.all_reduce(longest, distributed.ReduceOp.MAX)
    whole = embedding.padded(int(longest))
    assert whole.mask is not None  # as above
    return Embedding(gather_rows(whole.values), gather_rows(whole.mask.to(torch.uint8)).bool())


def gather_plain(rows: Tensor) -> Tensor:
    """Return `[W * B]` of `[B]` on each of W processes, without gradients."""
    found = [torch.empty_like(rows) for _ in range(distributed.get_world_size())]
    distributed.all_gather(found, rows.contiguous())
    return torch.cat(found)
