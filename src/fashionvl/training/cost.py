"""Cost of a run: floating-point operations and memory."""

import resource
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from fashionvl.data.records import Pairs
from fashionvl.models.protocols import Embeds, ScoresPairs
from fashionvl.tasks.base import PairTask


def forward_flops(task: PairTask) -> int | None:
    """Count the floating-point operations of scoring one pair, multiply and add counted apart.

    As torch's counter sees them: matrix products, convolutions and attention, nothing element-wise. None for
    a task whose network scores no pairs. A network that embeds is counted on one image and one text.
    """
    network = getattr(task, "network", None)
    score = _scoring(network)
    if score is None or not isinstance(network, torch.nn.Module):
        return None
    pair = task.blank_pair()
    training = network.training
    network.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        score(pair)
    network.train(training)
    return int(counter.get_total_flops())


def _scoring(network: object) -> Callable[[Pairs], Tensor] | None:
    if isinstance(network, ScoresPairs):
        return network.match
    if isinstance(network, Embeds):
        embeds = network
        return lambda pair: embeds.similarity(embeds.embed_image(pair.images), embeds.embed_text(pair.texts))
    return None


def peak_memory() -> dict[str, float]:
    """Peak memory of this process since it started, in MB."""
    peak = {"peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)}
    if torch.cuda.is_available():
        peak["peak_gpu_mb"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return peak
