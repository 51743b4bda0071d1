"""Peak memory of one turn above what stood before it."""

import os
from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile

# The profiler would write into progress bars.
os.environ.setdefault("KINETO_LOG_LEVEL", "99")


def peak_above_idle(run: Callable[[], object], device: torch.device) -> int:
    """Most bytes held at once while `run` runs, beyond those held before.

    On a GPU the allocator's own count. On a CPU every allocation and release of torch's allocator is summed
    up, which leaves out what a matrix library takes for itself and does not depend on when the system takes
    pages back.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        run()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        run()
    events = [event for event in profiled.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak
