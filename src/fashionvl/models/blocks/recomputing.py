"""Activation checkpointing: recompute activations in the backward pass instead of keeping them."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint


def recomputed(part: Callable[[Tensor], Tensor], states: Tensor, wanted: bool = True) -> Tensor:
    """Return `part(states)`, keeping only `states` for the backward pass.

    Meant for an activation and the linear layer behind it: the activation alone is computed again, since that
    is all the backward pass asks for. `part` draws no random numbers.

    Args:
        part: of the network.
        states: its input, which is kept.
        wanted: False keeps everything, as ever.
    """
    if not wanted or not torch.is_grad_enabled():
        return part(states)
    result: Tensor = checkpoint(part, states, use_reentrant=False, preserve_rng_state=False)
    return result
