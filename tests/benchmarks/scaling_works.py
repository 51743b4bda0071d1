"""Work of started processes in tests; apart, since each of them imports the module its work stands in."""

import json
import os
import signal
from pathlib import Path

import torch
import torch.distributed as dist

GRADIENTS = "FASHIONVL_TEST_GRADIENTS"
"""Names the file that `measured_with_gradients` leaves."""


def failing(place, tell, how):
    """Process 1 raises, or is killed; process 0 waits for it."""
    if place.rank == 1 and how == "raises":
        raise ValueError("a reason\nand its details")
    if place.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    dist.all_reduce(torch.zeros(1))


def measured_with_gradients(place, tell, asked):
    """Results of `measure`, after the distances of gradients and weights after a step of each kind."""
    from benchmarks.scale.step import Stepper
    from benchmarks.scale.turns import measure

    stepper = Stepper(place, asked.size, asked.precision)
    batch = stepper.pairs(2)
    before = torch.cat([weight.detach().flatten() for weight in stepper.trained]).clone()
    found = {}
    for name, synced in (("synced", True), ("unsynced", False), ("synced again", True)):
        stepper.step(batch, synced)
        mine = torch.cat([weight.grad.flatten() for weight in stepper.trained])
        theirs = mine.clone()
        dist.broadcast(theirs, src=1)
        found[name] = {"apart": float((mine - theirs).abs().max()), "greatest": float(mine.abs().max())}
    after = torch.cat([weight.detach().flatten() for weight in stepper.trained])
    found["moved"] = float((after - before).abs().max())
    if place.rank == 0:
        Path(os.environ[GRADIENTS]).write_text(json.dumps(found))
    return measure(place, tell, asked)
