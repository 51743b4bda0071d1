"""One live process a run folder: other processes are refused, the locks of dead ones are taken over."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from fashionvl.errors import InputError
from fashionvl.runs import lock
from fashionvl.runs.folder import RunFolder
from fashionvl.runs.lock import LOCK, STALE_SECONDS, Holder, RunLock

HOLD = """
import sys, time
from pathlib import Path
from fashionvl.runs.lock import RunLock
RunLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""

THIS = Holder.this_process()
ELSEWHERE = replace(THIS, host="node7", machine="node7 other-boot", pid=4711, token="t")


def hold(folder: Path, seconds: float = 60) -> subprocess.Popen[str]:
    """A process that holds a folder."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    words = [sys.executable, "-c", HOLD, str(folder), str(seconds)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def put(folder: Path, holder: Holder, age: float) -> None:
    """Leave a lock behind whose last heartbeat was `age` seconds ago."""
    (folder / LOCK).write_text(json.dumps(asdict(holder)))
    beaten = time.time() - age
    os.utime(folder / LOCK, (beaten, beaten))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_held_folder_is_refused_by_host_and_process(tmp_path: Path) -> None:
    process = hold(tmp_path)
    try:
        with pytest.raises(InputError) as caught:
            RunLock(tmp_path).acquire()
    finally:
        process.kill()
        process.wait()
    assert f"in use by process {process.pid} on {THIS.host}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == [LOCK]


@pytest.mark.parametrize("reaped", [True, False])
def test_a_killed_process_keeps_nothing(tmp_path: Path, reaped: bool) -> None:
    process = hold(tmp_path)
    process.send_signal(signal.SIGKILL)
    if reaped:
        process.wait()
    else:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    own = RunLock(tmp_path)
    own.acquire()
    assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
    own.release()
    process.wait()


def test_a_process_that_ends_gives_the_folder_free(tmp_path: Path) -> None:
    hold(tmp_path / "run", seconds=0).wait()
    assert not (tmp_path / "run").exists()


def test_release_leaves_a_folder_with_files_and_can_be_repeated(tmp_path: Path) -> None:
    own = RunLock(tmp_path / "run")
    own.release()
    own.acquire()
    (tmp_path / "run" / "metrics.csv").touch()
    own.release()
    own.release()
    assert names(tmp_path / "run") == ["metrics.csv"]
    own.acquire()
    own.release()


def test_a_reused_process_id_is_not_the_holder(tmp_path: Path) -> None:
    put(tmp_path, replace(THIS, started="1", token="t"), age=0)
    own = RunLock(tmp_path)
    own.acquire()
    own.release()
    assert names(tmp_path) == []


@pytest.mark.parametrize("holder", [ELSEWHERE, replace(ELSEWHERE, host=THIS.host, pid=os.getpid())])
def test_a_holder_elsewhere_lives_as_long_as_its_heartbeat(tmp_path: Path, holder: Holder) -> None:
    put(tmp_path, holder, age=2)
    with pytest.raises(InputError, match=f"process {holder.pid} on {holder.host}"):
        RunLock(tmp_path).acquire()
    put(tmp_path, holder, age=STALE_SECONDS + 5)
    own = RunLock(tmp_path)
    own.acquire()
    own.release()


def test_a_silent_holder_elsewhere_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lock, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(lock, "STALE_SECONDS", 0.6)
    put(tmp_path, ELSEWHERE, age=0.4)
    own = RunLock(tmp_path)
    own.acquire()
    own.release()
    assert "no heartbeat of process 4711 on node7" in capsys.readouterr().err

    def wakes(seconds: float) -> None:
        put(tmp_path, ELSEWHERE, age=0)

    put(tmp_path, ELSEWHERE, age=0.4)
    monkeypatch.setattr("fashionvl.runs.lock.time.sleep", wakes)
    with pytest.raises(InputError, match="process 4711 on node7"):
        RunLock(tmp_path).acquire()


def test_a_damaged_lock_counts_as_held_until_it_is_old(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("{")
    with pytest.raises(InputError, match="unknown host"):
        RunLock(tmp_path).acquire()
    beaten = time.time() - STALE_SECONDS - 5
    os.utime(tmp_path / LOCK, (beaten, beaten))
    own = RunLock(tmp_path)
    own.acquire()
    own.release()


@pytest.mark.parametrize("stale", [True, False])
def test_of_many_that_ask_at_once_one_gets_it(tmp_path: Path, stale: bool) -> None:
    for _ in range(20):
        if stale:
            put(tmp_path, ELSEWHERE, age=STALE_SECONDS + 5)
        locks = [RunLock(tmp_path) for _ in range(6)]

        def ask(one: RunLock) -> bool:
            try:
                one.acquire()
            except InputError:
                return False
            return True

        with ThreadPoolExecutor(len(locks)) as pool:
            got = list(pool.map(ask, locks))
        assert sum(got) == 1
        locks[got.index(True)].release()
        assert names(tmp_path) == []


def test_a_process_killed_while_it_took_over_blocks_nobody(tmp_path: Path) -> None:
    put(tmp_path, replace(THIS, started="1", token="t"), age=0)
    (tmp_path / LOCK).rename(tmp_path / f"{LOCK}.takeover")
    put(tmp_path, ELSEWHERE, age=STALE_SECONDS + 5)
    own = RunLock(tmp_path)
    own.acquire()
    own.release()
    assert names(tmp_path) == []


def test_without_hard_links_it_holds_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    own = RunLock(tmp_path)
    own.acquire()
    with pytest.raises(InputError, match=f"process {os.getpid()}"):
        RunLock(tmp_path).acquire()
    own.release()
    assert names(tmp_path) == []


def test_the_heartbeat_keeps_the_file_fresh_and_present(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "BEAT_SECONDS", 0.02)
    own = RunLock(tmp_path)
    own.acquire()
    (tmp_path / LOCK).unlink()
    while not (tmp_path / LOCK).exists():
        time.sleep(0.01)
    os.utime(tmp_path / LOCK, (1, 1))
    while (tmp_path / LOCK).stat().st_mtime < 2:
        time.sleep(0.01)
    own.release()


def test_a_process_whose_run_was_taken_over_stops(tmp_path: Path) -> None:
    program = HOLD.replace(
        "RunLock(Path", "import fashionvl.runs.lock as l; l.BEAT_SECONDS = 0.02\nRunLock(Path"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    words = [sys.executable, "-c", program, str(tmp_path), "60"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        scratch = tmp_path / "new"
        scratch.write_text(json.dumps(asdict(ELSEWHERE)))
        scratch.replace(tmp_path / LOCK)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 1
    assert "process 4711 on node7 took over this run" in said


def test_a_run_set_aside_stays_held(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.lock.acquire()
    folder.claim({"model": 1})
    folder.record(fit={})
    folder.claim({"model": 2}, "set_aside")
    (aside,) = tmp_path.glob("run.*")
    assert not (aside / LOCK).exists()
    with pytest.raises(InputError, match="in use by"):
        RunLock(tmp_path / "run").acquire()
    folder.lock.release()
    assert names(tmp_path / "run") == ["claim.json", "config.yaml"]
