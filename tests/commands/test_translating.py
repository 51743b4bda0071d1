"""Exceptions of libraries as one line each; unknown ones are given no cause."""

import errno
import os
from pathlib import Path

import h5py
import pytest
import torch
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from PIL import Image, UnidentifiedImageError

from fashionvl import cli
from fashionvl.cli import main
from fashionvl.commands.crash import RUN_FOLDER
from fashionvl.commands.translating import translate
from fashionvl.errors import InputError

UNTAGGED = Exception("data did not match any variant of untagged enum ModelWrapper at line 9 column 3")


@pytest.mark.parametrize(
    ("error", "says", "status"),
    [
        (InputError("a.b: 1 is wrong"), "a.b: 1 is wrong", 2),
        (OSError(errno.ENOSPC, "No space left on device", "x.h5"), "x.h5: no space left", 1),
        (PermissionError(errno.EACCES, "Permission denied", "x"), "x: permission denied", 2),
        (OSError(errno.EROFS, "Read-only file system", "x"), "x: its file system is read-only", 2),
        (OSError(errno.EROFS, "Read-only file system", "x"), "--run_dir", 2),
        (FileNotFoundError(errno.ENOENT, "No such file", "x.csv"), "x.csv: no such file or folder", 2),
        (OSError("[Errno 28] Unable to write (errno = 28, error message = 'x')"), "no space left", 1),
        (BlockingIOError(errno.EAGAIN, "unable to lock file, errno = 11"), "HDF5 file is locked", 2),
        (
            MisconfigurationException("No `x`\nin   y"),
            "trainer: Lightning refuses these settings: No `x` in y",
            2,
        ),
        (
            RuntimeError("You set `--ntasks=2` in your SLURM script"),
            "the SLURM job and the trainer disagree",
            2,
        ),
        (ValueError("`val_check_interval` (9) must be less"), "trainer.val_check_interval: `val", 2),
        (InputError("a\r\nb\u2028c"), "a b c", 2),
        (torch.OutOfMemoryError("CUDA out of memory. Tried 3 GiB"), "out of memory (CUDA out of memory", 1),
        (RuntimeError("DataLoader worker (pid 3) is killed by signal: Killed."), "num_workers 0", 1),
        (RuntimeError("PytorchStreamReader failed finding central directory"), "incomplete or is none", 1),
        (UnidentifiedImageError("cannot identify image file 'x.png'"), "'x.png'", 2),
        (Image.DecompressionBombError("Image size exceeds limit"), "too large to be decoded safely", 2),
        (UNTAGGED, "another version of tokenizers", 2),
        (ModuleNotFoundError("No module named 'a'", name="a.b"), "pip install a", 2),
        (Exception("of its own"), "unexpected Exception: of its own", 1),
        (KeyError("image"), "unexpected KeyError: 'image'", 1),
        (ValueError(), "unexpected ValueError: no message", 1),
        (ModuleNotFoundError("No module named 'fashionvl.x'", name="fashionvl.x"), "unexpected ModuleNot", 1),
    ],
)
def test_each_is_one_line(error: Exception, says: str, status: int) -> None:
    line = translate(error)
    assert says in line.text
    assert "\n" not in line.text
    assert line.status == status


def test_the_cause_counts_before_what_wraps_it() -> None:
    outer = RuntimeError("while building")
    outer.__cause__ = InputError("mask.ratio: 2 is outside [0, 1]")
    assert translate(outer).text == "mask.ratio: 2 is outside [0, 1]"


def test_a_locked_file_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w"), pytest.raises(OSError) as raised:  # noqa: PT011 - translated below
        h5py.File(path, "r+", locking=True)
    assert "truncated" not in translate(raised.value).text


def _crash(*_: object) -> None:
    raise KeyError("never seen before")


def test_an_unknown_error_leaves_a_report_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_dispatch", _crash)
    with pytest.raises(SystemExit) as stopped:
        main(["summary", "a folder"])
    assert stopped.value.code == 1
    told = capfd.readouterr().err
    assert told.startswith("fashionvl: unexpected KeyError: 'never seen before'; details in runs/crash.txt")
    assert "Traceback" not in told
    report = (tmp_path / "runs" / "crash.txt").read_text()
    for part in ("command: fashionvl summary 'a folder'", "torch ", "Traceback", "never seen before"):
        assert part in report


def test_a_report_lies_in_the_run_folder_once_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_dispatch", _crash)
    token = RUN_FOLDER.set(tmp_path / "run")
    monkeypatch.setenv("RANK", "3")
    with pytest.raises(SystemExit):
        main(["fit"])
    RUN_FOLDER.reset(token)
    assert (tmp_path / "run" / "crash-3.txt").is_file()


@pytest.mark.parametrize("asked", ["flag", "variable"])
def test_debug_shows_the_traceback(
    asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_dispatch", _crash)
    monkeypatch.setenv("FASHIONVL_DEBUG", "1" if asked == "variable" else "0")
    with pytest.raises(SystemExit):
        main(["fit", *(["--debug"] if asked == "flag" else [])])
    assert "Traceback" in capfd.readouterr().err


def test_a_report_that_cannot_be_written_is_no_second_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_dispatch", _crash)
    with pytest.raises(SystemExit):
        main(["fit"])
    assert "--debug shows details" in capfd.readouterr().err


def test_the_backend_of_a_notebook_breaks_no_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    with pytest.raises(SystemExit) as stopped:
        main(["summary", str(tmp_path / "nowhere")])
    assert stopped.value.code == 2
    assert "nowhere" in capfd.readouterr().err
    assert os.environ["MPLBACKEND"] == "agg"
