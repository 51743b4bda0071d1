"""Precision of a turn, and counting of its floating-point operations."""

from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode


def precision(name: str, device: torch.device) -> torch.autocast:
    """Autocast for `bf16`; without effect for `fp32` and `tf32`."""
    return torch.autocast(device.type, torch.bfloat16, enabled=name == "bf16")


def allow_tf32(device: torch.device) -> None:
    """Let float32 products of a GPU run in TF32, in this process."""
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True


def count_flops(run: Callable[[], object]) -> int:
    """Floating-point operations of what `run` does, multiply and add counted apart, element-wise ones not."""
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())
