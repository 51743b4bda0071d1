"""Sources of the numbers: command, machine, commit and date of every file."""

import shlex
from pathlib import PurePosixPath

from benchmarks.page.numbers import ABSENT
from benchmarks.page.read import Inputs
from benchmarks.page.tables import table


def source_table(inputs: Inputs) -> str:
    """A row a file that was read; empty without one."""
    rows = [
        (
            f"`{name}.json`",
            f"`{portable(str(about['command']))}`" if about.get("command") else ABSENT,
            str(about.get("machine", ABSENT)),
            str(about.get("commit", ABSENT)),
            str(about.get("date", ABSENT)),
        )
        for name, about in inputs.sources.items()
    ]
    return table(("file", "command", "machine", "commit", "date"), rows) if rows else ""


def portable(command: str) -> str:
    """A command without the folders of the machine it ran on: `--out /home/me/x.json` as `--out x.json`."""
    return shlex.join(_portable(word) for word in shlex.split(command))


def _portable(word: str) -> str:
    option, equals, value = word.partition("=")
    if equals and option.startswith("--"):
        return f"{option}={_portable(value)}"
    return PurePosixPath(word).name if word.startswith(("/", "~")) else word
