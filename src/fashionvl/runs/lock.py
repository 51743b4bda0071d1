"""The lock of a run folder: one live process writes into it, on any file system."""

import atexit
import errno
import json
import os
import socket
import sys
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from fashionvl.errors import InputError

LOCK = ".lock"
"""Name of the lock file in a run folder."""

BEAT_SECONDS = 15.0
"""Between two heartbeats: the holder sets the file's modification time."""

STALE_SECONDS = 180.0
"""Age of the last heartbeat after which a holder on another host counts as dead."""

_TRIES = 100
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock.

    Attributes:
        host: its name, for messages.
        machine: boot and process namespace; process ids compare inside one machine only.
        pid: process id.
        started: start time of the process in clock ticks since boot, so that a reused id is noticed.
        token: of this lock, unique.
    """

    host: str
    machine: str
    pid: int
    started: str
    token: str

    @classmethod
    def this_process(cls) -> "Holder":
        """Describe the running process, with a new token."""
        pid = os.getpid()
        return cls(socket.gethostname(), _machine(), pid, _started(pid), uuid.uuid4().hex)

    def known_dead(self) -> bool:
        """Return whether the process ran on this machine and has ended; False where that cannot be known."""
        if self.machine != _machine():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass
        return _started(self.pid) != self.started

    def elsewhere(self) -> bool:
        """Return whether the process runs elsewhere, so that only its heartbeat tells that it lives."""
        return self.machine != _machine()


class RunLock:
    """Holds a run folder for this process until `release`.

    The file appears by a hard link to a complete file, which is atomic on NFS, too; `flock` is not needed.
    A daemon thread keeps its modification time fresh. SIGKILL leaves the file behind: the next process on the
    same machine sees that the holder is dead; on another host, that the heartbeat has stopped.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / LOCK
        self._own: Holder | None = None
        self._made_folder = False
        self._stop = threading.Event()

    def acquire(self) -> None:
        """Take the lock, after the death of its holder, too.

        A holder on another host that has missed some heartbeats is waited for: it shows a heartbeat, or is
        dead after `STALE_SECONDS`.

        Raises:
            InputError: another live process holds it (host and process id are named), or the folder cannot be
                written.
        """
        try:
            self._made_folder = not self._folder.exists()
            self._folder.mkdir(parents=True, exist_ok=True)
            self._own = self._take()
        except OSError as error:
            raise InputError(
                f"{self._folder}: cannot be locked ({error.strerror}); choose another --run_dir"
            ) from error
        atexit.register(self.release)
        threading.Thread(target=self._beat, args=(self._own,), daemon=True).start()

    def _take(self) -> Holder:
        own = Holder.this_process()
        waited = False
        for _ in range(_TRIES):
            now = _create(self._file, own)
            if now is None:
                return own
            found = _read(self._file)
            if found is None:
                continue
            holder, beaten = found
            silent = now - beaten
            if holder.known_dead() or (holder.elsewhere() and silent > STALE_SECONDS):
                if _take_over(self._file, holder, own):
                    return own
            elif holder.elsewhere() and silent > 3 * BEAT_SECONDS and not waited:
                waited = True
                self._await_beat(holder, beaten, STALE_SECONDS - silent)
            else:
                raise InputError(self._refusal(holder))
        raise InputError(f"{self._file}: other processes keep taking this lock; start again")

    def _await_beat(self, holder: Holder, beaten: float, seconds: float) -> None:
        print(  # noqa: T201 - the run has no logger yet
            f"{self._folder}: no heartbeat of process {holder.pid} on {holder.host}, which holds this run; "
            f"waiting up to {seconds:.0f} s for one",
            file=sys.stderr,
        )
        deadline = time.monotonic() + seconds + 1.0
        while time.monotonic() < deadline:
            time.sleep(min(1.0, BEAT_SECONDS))
            found = _read(self._file)
            if found is None or found != (holder, beaten):
                return

    def _refusal(self, holder: Holder) -> str:
        return (
            f"{self._folder}: in use by process {holder.pid} on {holder.host}, which writes into this "
            "folder; wait for it to end, stop it, or choose another --run_dir"
        )

    def follow(self, old_place: Path) -> None:
        """Hold the folder anew after its content, the lock file too, was renamed to `old_place`.

        Raises:
            InputError: another process took the new folder meanwhile.
        """
        if self._own is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        taken = _create(self._file, self._own) is not None
        (old_place / LOCK).unlink(missing_ok=True)
        if taken and (found := _read(self._file)) and found[0] != self._own:
            self._own = None
            raise InputError(self._refusal(found[0]))

    def _beat(self, own: Holder) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            try:
                found = _read(self._file)
                if found is not None and found[0] != own:
                    self._lost(found[0])
                if found is None:
                    _create(self._file, own)
                os.utime(self._file)
            except OSError:
                continue  # The folder was deleted, or the server does not answer for a while.

    def _lost(self, holder: Holder) -> None:
        """End a process that slept so long that another one took it for dead and goes on with its run."""
        print(  # noqa: T201
            f"fashionvl: {self._folder}: process {holder.pid} on {holder.host} took over this run while this "
            "one showed no heartbeat; stopping",
            file=sys.stderr,
            flush=True,
        )
        os._exit(1)

    def release(self) -> None:
        """Give the folder free; without effect in a forked process, or when nothing is held."""
        self._stop.set()
        own, self._own = self._own, None
        if own is None or own.pid != os.getpid():
            return
        atexit.unregister(self.release)
        found = _read(self._file)
        if found is not None and found[0] == own:
            self._file.unlink(missing_ok=True)
        if self._made_folder:
            with suppress(OSError):  # Refused unless the folder is empty.
                self._folder.rmdir()


def _create(file: Path, holder: Holder) -> float | None:
    """Make the lock file, whole at once.

    Returns:
        None when it was made; otherwise the file server's time now, to compare heartbeats with.
    """
    scratch = file.with_name(f"{file.name}.{holder.token}")
    try:
        scratch.write_bytes(_content(holder))
        now = scratch.stat().st_mtime
        try:
            os.link(scratch, file)
        except FileExistsError:
            # A repeated request to an NFS server: the first one had succeeded.
            return None if scratch.stat().st_nlink == 2 else now
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
                raise
            return _create_exclusively(file, _content(holder), now)
    finally:
        scratch.unlink(missing_ok=True)
    return None


def _content(holder: Holder) -> bytes:
    return json.dumps(asdict(holder)).encode()


def _create_exclusively(file: Path, content: bytes, now: float) -> float | None:
    """Make the lock file where there are no hard links."""
    try:
        with file.open("xb") as stream:
            stream.write(content)
    except FileExistsError:
        return now
    return None


def _read(file: Path) -> tuple[Holder, float] | None:
    """The holder and the time of its last heartbeat; None when there is no lock.

    A file that names no holder, as one being written, counts as held by an unknown process elsewhere.
    """
    try:
        with file.open("rb") as stream:
            # After opening: an NFS client looks anew then.
            beaten = os.fstat(stream.fileno()).st_mtime
            content = stream.read()
    except FileNotFoundError:
        return None
    try:
        return Holder(**json.loads(content)), beaten
    except (ValueError, TypeError):
        return Holder("unknown host", "", 0, "", ""), beaten


def _take_over(file: Path, dead: Holder, own: Holder) -> bool:
    """Replace the lock of a dead holder, unless another process is doing so or has done so."""
    guard = file.with_name(f"{file.name}.takeover")
    now = _create(guard, own)
    if now is not None:
        found = _read(guard)
        # Held for a moment only, unless its process was killed in that moment.
        if found and (found[0].known_dead() or now - found[1] > STALE_SECONDS):
            guard.unlink(missing_ok=True)
        time.sleep(_PAUSE_SECONDS)
        return False
    scratch = file.with_name(f"{file.name}.{own.token}")
    try:
        found = _read(file)
        if found is None or found[0] != dead:
            return False
        scratch.write_bytes(_content(own))
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)
        guard.unlink(missing_ok=True)
    return True


def _started(pid: int) -> str:
    """Start time of a process (field 22 of `/proc/PID/stat`, proc(5)); empty where the system has none.

    Of a process that has ended and waits for its parent (state Z or X) it is the word `ended`.
    """
    try:
        # The name in brackets may hold blanks and brackets itself.
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "ended" if state in "ZX" else fields[18]
    except (OSError, ValueError, IndexError):
        return ""


def _machine() -> str:
    """Identify the scope in which process ids are unique: host, boot and process namespace."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)
