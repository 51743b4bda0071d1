"""Folders that are whole or absent."""

import errno
from pathlib import Path

import pytest

from fashionvl.errors import InputError
from fashionvl.files.whole import whole_folder


def test_a_finished_block_leaves_the_whole_folder(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "deep" / "target") as scratch:
        (scratch / "file").write_text("x")
        assert not (tmp_path / "deep" / "target").exists()
    assert (tmp_path / "deep" / "target" / "file").read_text() == "x"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["target"]


def test_a_failed_block_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError), whole_folder(tmp_path / "target"):
        raise KeyError("interrupted")
    assert list(tmp_path.iterdir()) == []


def test_another_process_finishing_first_is_kept(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "target") as scratch:
        (scratch / "file").write_text("late")
        (tmp_path / "target").mkdir()
        (tmp_path / "target" / "file").write_text("early")
    assert (tmp_path / "target" / "file").read_text() == "early"


def test_a_full_disk_is_one_clear_line_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"target: the disk is full") as caught,
        whole_folder(tmp_path / "target"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_parent_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match="cannot be written"), whole_folder(tmp_path / "file" / "target"):
        pass
