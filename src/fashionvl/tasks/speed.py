"""Ways to compute a task: choices that change the time, not the result."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import nn

GRAPHS = 256
"""Compiled variants of one layer's code that are kept: layers of other widths, training and evaluation."""


@runtime_checkable
class Attends(Protocol):
    """A module whose attention can be computed in more than one way."""

    fused: bool


@runtime_checkable
class Economises(Protocol):
    """A module that can do with fewer copies of its widest activation."""

    recompute: bool
    in_place: bool


@runtime_checkable
class HasRegions(Protocol):
    """A network that knows which of its parts are worth compiling."""

    needed_only: bool

    def regions(self) -> list[nn.Module]:
        """Parts that are compiled one by one: layers that repeat, and whole decoders."""


@dataclass(frozen=True)
class Speed:
    """Ways to the same numbers, within rounding, in less time; each can be switched off.

    What each is worth is measured in docs/performance.md.

    Attributes:
        needed_only: words are decoded at masked positions alone, and the last layer computes only the states
            that something reads. The released codes compute all.
        fused_attention: scores are never written out; see `attend`.
        in_place: without gradients, activations are written over their input.
        channels_last: channels lie innermost in weights of convolutions, as tensor cores want them.
        recompute: the MLPs' activations are computed again in the backward pass instead of kept: a quarter of
            a step's memory is saved for a few per cent of its time.
        compile: layers and decoders by `torch.compile`, for the shapes at hand; the first steps take a minute
            or two, less once the compiler's cache on disk is warm.
        tf32: switches on, for the process, float32 products in TF32 where a GPU has it: ten bits of mantissa,
            so results differ by 1e-3.
    """

    needed_only: bool = True
    fused_attention: bool = True
    in_place: bool = True
    channels_last: bool = False
    recompute: bool = False
    compile: bool = False
    tf32: bool = False

    def apply(self, network: nn.Module) -> None:
        """Set a network, in place; weights keep their names and values."""
        if self.tf32:
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        for module in network.modules():
            if isinstance(module, Attends):
                module.fused = self.fused_attention
            if isinstance(module, Economises):
                module.recompute, module.in_place = self.recompute, self.in_place
        if self.channels_last:
            network.to(memory_format=torch.channels_last)
        if isinstance(network, HasRegions):
            network.needed_only = self.needed_only
            if self.compile:
                _compile(network.regions())


def _compile(regions: list[nn.Module]) -> None:
    config = torch._dynamo.config
    # The older of two names, which torch 2.6 has, too.
    config.cache_size_limit = max(config.cache_size_limit, GRAPHS)
    # A region is one layer: nothing in it could be cut to overlap with DDP's all-reduce.
    config.optimize_ddp = False
    for region in regions:
        region.compile(dynamic=False)
