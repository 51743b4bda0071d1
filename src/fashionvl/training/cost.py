"""What a run costs: floating-point operations and memory."""

import resource
from typing import Any

import lightning as L
import torch
from torch.utils.flop_counter import FlopCounterMode

from fashionvl.data.records import Patches
from fashionvl.tasks.retrieval import ScoresPairs


def forward_flops(task: L.LightningModule, data: Any) -> int | None:
    """Floating-point operations of one forward pass that scores one pair, multiply and add counted apart.

    As torch's counter sees them: matrix products, convolutions and attention, nothing element-wise. None for
    a task whose network scores no pairs.
    """
    network = getattr(task, "network", None)
    if not isinstance(network, ScoresPairs) or not isinstance(network, torch.nn.Module):
        return None
    pair = data.blank_pair(task.device)
    backbone = getattr(task, "backbone", None)
    if pair.patches is not None and backbone is not None:
        # Patches cut online: what the backbone makes of them is not the network's work.
        features = torch.zeros(1, len(pair.patches.boxes[0]), backbone.width, device=task.device)
        pair.patches = Patches(features, pair.patches.boxes)
    training = network.training
    network.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.match(pair)
    network.train(training)
    return int(counter.get_total_flops())


def peak_memory() -> dict[str, float]:
    """Of this process since it started, in MB."""
    peak = {"peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)}
    if torch.cuda.is_available():
        peak["peak_gpu_mb"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return peak
