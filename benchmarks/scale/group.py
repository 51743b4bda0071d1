"""Processes that work together: started here, or found started by a launcher; ended cleanly either way."""

import datetime
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, cast

import torch

from fashionvl.errors import InputError

PATIENCE = datetime.timedelta(minutes=5)
"""Longest wait of a process for the others."""
GRACE = 5.0
"""Seconds in which processes told to end may do so before they are killed."""

Tell = Callable[[str, float], None]
"""Told what is being done and the share that is done, in [0, 1]."""


class GroupError(RuntimeError):
    """A process of the group failed; the message is one line that says which and why."""


@dataclass(frozen=True)
class Place:
    """One process in its group.

    Attributes:
        rank: 0 .. world - 1.
        world: processes in the group.
        device: that this process computes on.
        threads: of this process on a CPU.
    """

    rank: int
    world: int
    device: torch.device
    threads: int

    @property
    def backend(self) -> str:
        """Torch's name for what carries the messages."""
        return "nccl" if self.device.type == "cuda" else "gloo"


def device_of(kind: str, local_rank: int) -> torch.device:
    """The CPU, or the GPU that a process of this machine takes.

    Args:
        kind: `cpu` or `cuda`.
        local_rank: of the process on its machine.
    """
    return torch.device(kind, local_rank) if kind == "cuda" else torch.device(kind)


Work = Callable[..., Any]
"""`work(place, tell, *arguments)`, done by every process of a group; what rank 0 returns is kept."""


def launched(environment: Mapping[str, str], device: str, cores: int) -> Place | None:
    """Read this process's place from a launcher's environment (torchrun or srun); None without a launcher.

    Args:
        environment: RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE are read; the latter two default to
            the former two, which is right on one machine.
        device: `cpu` or `cuda`.
        cores: of this machine; shared equally by its processes.

    Raises:
        InputError: only one of RANK and WORLD_SIZE is set, or one is not a number.
    """
    if "RANK" not in environment and "WORLD_SIZE" not in environment:
        return None
    missing = [name for name in ("RANK", "WORLD_SIZE") if name not in environment]
    if missing:
        raise InputError(f"{missing[0]}: not set, yet the other of RANK and WORLD_SIZE is; set both or none")
    given = {"LOCAL_RANK": environment["RANK"], "LOCAL_WORLD_SIZE": environment["WORLD_SIZE"], **environment}
    numbers = {
        name: _number(name, given[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    }
    return Place(
        numbers["RANK"],
        numbers["WORLD_SIZE"],
        device_of(device, numbers["LOCAL_RANK"]),
        max(1, cores // max(1, numbers["LOCAL_WORLD_SIZE"])),
    )


def _number(name: str, value: str) -> int:
    if not value.isdecimal():
        raise InputError(f"{name}: {value!r} is not a whole number; a launcher sets it")
    return int(value)


@contextmanager
def joined(place: Place, meeting: str) -> Iterator[None]:
    """Join torch's default group inside the block.

    After an error the group is left as it is: taking it down would wait for processes that may be gone.

    Args:
        place: this process.
        meeting: where the processes find each other: `env://`, or `file://` and a path that does not exist.
    """
    if place.device.type == "cuda":
        torch.cuda.set_device(place.device)
    else:
        torch.set_num_threads(place.threads)
    torch.distributed.init_process_group(
        place.backend, init_method=meeting, rank=place.rank, world_size=place.world, timeout=PATIENCE
    )
    yield
    torch.distributed.destroy_process_group()


def run_group(work: Work, arguments: tuple[Any, ...], places: list[Place], tell: Tell) -> Any:
    """Start a process for each place, and have them do `work` together.

    Args:
        work: a function of a module, since new processes import it.
        arguments: its further arguments.
        places: of every process, rank by rank.
        tell: told what rank 0 tells.

    Returns:
        What rank 0 returned.

    Raises:
        GroupError: a process failed; the others have been ended.
    """
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        meeting = (Path(folder) / "meeting").as_uri()
        ends = [context.Pipe(duplex=False) for _ in places]
        processes = [
            context.Process(target=_member, args=(place, meeting, end, work, arguments), daemon=True)
            for place, (_, end) in zip(places, ends, strict=True)
        ]
        try:
            for process in processes:
                process.start()
            for _, end in ends:
                end.close()
            result = _heard([here for here, _ in ends], processes, tell)
            for process in processes:
                process.join(GRACE)
            return result
        finally:
            _end(processes)


def _heard(lines: list[Connection], processes: list[Any], tell: Tell) -> Any:
    """Listen to all processes until all are done, or one has failed."""
    speaking, result = {line: rank for rank, line in enumerate(lines)}, None
    while speaking:
        for line in cast(list[Connection], wait(list(speaking))):
            rank = speaking[line]
            try:
                kind, content = line.recv()
            except EOFError:
                raise GroupError(_silent(rank, processes[rank])) from None
            if kind == "failed":
                raise GroupError(_killed(processes) or f"process {rank} failed: {content}")
            if kind == "told":
                doing, share = content
                tell(doing, share)
            else:
                result = content if rank == 0 else result
                del speaking[line]
    return result


def _killed(processes: list[Any]) -> str | None:
    """Name the process that was killed, if any; lost connections of the others follow from it."""
    for rank, process in enumerate(processes):
        process.join(0.2)
        if process.exitcode is not None and process.exitcode < 0:
            return _silent(rank, process)
    return None


def _silent(rank: int, process: Any) -> str:
    process.join(GRACE)
    if process.exitcode is not None and process.exitcode < 0:
        return (
            f"process {rank} was ended by {signal.Signals(-process.exitcode).name}; is there enough memory?"
        )
    return f"process {rank} ended with status {process.exitcode} and said nothing"


def _end(processes: list[Any]) -> None:
    for process in processes:
        if process.pid is not None and process.is_alive():
            process.terminate()
    for process in processes:
        if process.pid is None:
            continue
        process.join(GRACE)
        if process.is_alive():
            process.kill()
            process.join()


def _member(place: Place, meeting: str, line: Connection, work: Work, arguments: tuple[Any, ...]) -> None:
    """Run the work in a started process, which leaves Ctrl-C to the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    quiet = place.rank != 0
    try:
        with joined(place, meeting):
            result = work(place, _unheard if quiet else lambda *said: line.send(("told", said)), *arguments)
        line.send(("done", None if quiet else result))
    except Exception as error:
        line.send(("failed", one_line(error)))
        # The interpreter's end would wait for threads that still talk to the others.
        os._exit(1)


def _unheard(doing: str, share: float) -> None:
    """All ranks do the same; one tells of it."""


def one_line(error: BaseException) -> str:
    """An error's kind and the first line of what it says."""
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
