"""Files that are whole or absent."""

from pathlib import Path

import numpy as np
import pytest

from fashionvl.errors import InputError
from fashionvl.files.arrays import mapped
from fashionvl.files.whole import written_whole


def _names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def _fail(path: Path, error: BaseException) -> None:
    with written_whole(path) as file:
        file.write(b"half")
        raise error


def test_a_file_has_its_name_only_when_it_is_written(tmp_path):
    path = tmp_path / "deep" / "numbers.npy"
    with written_whole(path) as file:
        np.save(file, np.arange(3, dtype=np.int16))
        assert not path.exists()
    assert path.stat().st_mode & 0o777 == 0o644
    assert _names(path.parent) == ["numbers.npy"]
    np.testing.assert_array_equal(mapped(path, (3,), np.int16, ""), [0, 1, 2])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(5, "Input/output error"), ValueError("no")])
def test_a_failure_leaves_what_was_there_and_passes_on(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with pytest.raises(type(error)):
        _fail(path, error)
    assert path.read_bytes() == b"before"
    assert _names(tmp_path) == ["file"]


def test_a_full_disk_is_the_user_s_to_mend(tmp_path):
    with pytest.raises(InputError, match=r"file: cannot be written \(No space left.*free space"):
        _fail(tmp_path / "file", OSError(28, "No space left on device"))
    assert _names(tmp_path) == []


def test_a_mapped_array_stays_in_its_file(tmp_path):
    path = tmp_path / "numbers.npy"
    np.save(path, np.zeros(4, np.float16))
    found = mapped(path, (4,), np.float16, "")
    assert type(found) is np.ndarray
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"missing, expected \(3,\) float16; do so"),
        (b"", r"truncated.* 0 bytes, expected \(3,\) float16 of 6 bytes.*; do so"),
        (b"something else", r"truncated or not an array: 14 bytes.*; do so"),
        (np.zeros(3, np.float32), r"holds \(3,\) float32, expected \(3,\) float16; do so"),
        (np.zeros(4, np.float16), r"holds \(4,\) float16, expected \(3,\) float16; do so"),
        (np.array([{}, 1, 2]), r"truncated or not an array"),
    ],
)
def test_a_file_that_is_not_the_array_is_refused(tmp_path, content, message):
    path = tmp_path / "numbers.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content, allow_pickle=True)
    with pytest.raises(InputError, match=message):
        mapped(path, (3,), np.float16, "do so")
