"""Configuration files that cannot be read, each named with its line, and nothing heavy imported for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from fashionvl.commands.configurations import files_read
from fashionvl.errors import InputError

LAUGHS = b"a0: &a0 [x, x]\n" + b"".join(
    b"a%d: &a%d [*a%d, *a%d]\n" % (n, n, n - 1, n - 1) for n in range(1, 30)
)
"""Each line doubles what the one before stands for."""


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"model:\n\tviews: joint\n", "a.yaml, line 2: not valid YAML"),
        (b"model:\n\tviews: joint\n", "not tabs"),
        (b"model: {a: 1\ndata: 2\n", "a.yaml, line"),
        (b"- trainer\n", "a.yaml, line 1: holds a list"),
        (b"just words\n", "a.yaml, line 1: holds a single value"),
        (b"name: a\nname: b\n", "a.yaml, line 2: name is set before, in line 1"),
        (b"data:\n  x: 1\n  y: 2\n  x: 3\n", "a.yaml, line 4: x is set before, in line 2"),
        (b"name: a\n---\nname: b\n", "a.yaml, line 2: not valid YAML"),
        (b"name: caf\xe9\n", "a.yaml, line 1: not UTF-8"),
        (b"x: 1\nname: \x00\n", "a.yaml, line 2: holds control character 0x0"),
        (b"a: *b\n", "a.yaml, line 1: not valid YAML (found undefined alias 'b')"),
        (b"a: &a\n  b: *a\n", "a.yaml, line 1: an alias stands for what holds it"),
        (LAUGHS, "a.yaml: its aliases stand for more than 100,000 keys"),
        (b"trainer\n  max_epochs: 1\n", "a colon missing in the line before"),
        ("name: x\n".encode("utf-16"), "a.yaml, line 1: not UTF-8"),
        (b"<!DOCTYPE html><title>Sign in</title>", "a.yaml: a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a.yaml: a Git LFS pointer"),
        (b"name: !!python/name:os.system x\n", "a.yaml, line 1: not valid YAML"),
        (b"? [a]\n: 1\n", "a.yaml, line 1: not valid YAML"),
        (b"name: 2026-13-45\n", "a.yaml: not valid YAML"),
        (b"a: " + b"[" * 5000, "a.yaml: nested too deeply"),
    ],
)
def test_an_unreadable_file_is_named_with_the_line(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(content)
    with pytest.raises(InputError) as refused:
        files_read(["fit", "--config", str(file)])
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_named_with_what_its_folder_holds(tmp_path: Path) -> None:
    (tmp_path / "smoke.yaml").touch()
    with pytest.raises(InputError, match=r"smok\.yaml is not there; .* holds smoke\.yaml"):
        files_read(["fit", f"--config={tmp_path / 'smok.yaml'}"])
    with pytest.raises(InputError, match="nor is its folder"):
        files_read(["fit", "--config", str(tmp_path / "none" / "smoke.yaml")])
    with pytest.raises(InputError, match="names no file"):
        files_read(["fit", "--config="])
    with pytest.raises(InputError, match="is a folder"):
        files_read(["fit", "--config", str(tmp_path)])


def test_a_byte_order_mark_and_a_home_folder_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfname: caf\xc3\xa9\r\n")
    _, given = files_read(["fit", "--config=~/a.yaml"])
    assert [(key.path, key.value) for key in given] == [(("name",), "café")]


@pytest.mark.parametrize("content", ["", "# nothing yet\n", "---\n", "{}\n", "null\n"])
def test_a_file_that_sets_nothing_is_left_out_with_a_notice(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(content)
    words, given = files_read(["fit", "--config", str(tmp_path / "a.yaml"), "--name", "x"])
    assert (words, given) == (["fit", "--name", "x"], [])
    assert "a.yaml: sets nothing" in capsys.readouterr().err


def test_keys_are_read_with_their_places(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("# first\ndata:\n  init_args: {root: here}\n")
    words = ["fit", "--config", str(file), "--config", '{"trainer": {"devices": 2}}']
    kept, given = files_read(words)
    assert kept == words
    assert [(".".join(key.path), key.value, key.where) for key in given] == [
        ("data", None, f"{file}, line 2"),
        ("data.init_args", None, f"{file}, line 3"),
        ("data.init_args.root", "here", f"{file}, line 3"),
        ("trainer", None, "--config, line 1"),
        ("trainer.devices", "2", "--config, line 1"),
    ]


HEAVY = ("torch", "lightning", "transformers", "matplotlib", "numpy", "jsonargparse")


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["fti"],
        ["fit", "--config", "none.yaml"],
        ["fit", "--trainer.max_epoch", "1"],
    ],
)
def test_what_is_plainly_wrong_waits_for_no_library(words: list[str]) -> None:
    program = (
        "import sys\nfrom fashionvl.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as stop:\n    assert stop.code == 2\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"
