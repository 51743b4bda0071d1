"""The Python of README's first screen runs as it is printed."""

import re
import shutil
from pathlib import Path

import pytest

FIRST_SCREEN = 60
"""Lines."""


def _snippet(repository: Path) -> str:
    lines = (repository / "README.md").read_text(encoding="utf-8").splitlines()[:FIRST_SCREEN]
    (code,) = re.findall(r"```python\n(.*?)```", "\n".join(lines), flags=re.DOTALL)
    return str(code)


def test_the_five_lines_run(
    repository: Path,
    saved: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = _snippet(repository)
    (run,) = re.findall(r'load\("(.*?)"\)', code)
    shutil.copytree(saved, tmp_path / run / "model")
    (tmp_path / "docs").symlink_to(repository / "docs")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    numbers = re.findall(r"-?\d+\.\d+(?:e-?\d+)?", printed)
    assert printed.startswith("tensor(")
    assert len(numbers) == 2 * 3


def test_the_snippet_is_five_lines_of_code(repository: Path) -> None:
    lines = [line for line in _snippet(repository).splitlines() if line and not line.startswith("#")]
    assert len(lines) == 5
