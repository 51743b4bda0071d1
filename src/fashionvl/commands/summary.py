"""`fashionvl summary`."""

import json
from pathlib import Path

from rich.console import Console

from fashionvl.files.ours import Ours
from fashionvl.reporting.pictures import PICTURES, draw_pictures
from fashionvl.reporting.summary import summarise
from fashionvl.reporting.tables import markdown_table, terminal_table
from fashionvl.runs.reading import read_runs


def summary(folder: Path) -> None:
    """Put the runs of one experiment into a table, `summary.json`, `summary.md` and pictures.

    Args:
        folder: holds one run folder a stage, such as `runs/demo` with `pretrain` and `recognition` inside.
    """
    found = summarise(read_runs(folder))
    pictures = [f"pictures/{name}.png" for name in PICTURES]
    ours = Ours(folder, ["summary.json", "summary.md", *pictures])
    console = Console()
    console.print(terminal_table(found, found.title))
    ours.begin()
    drawn = draw_pictures(found, folder / "pictures")
    (folder / "summary.md").write_text(markdown_table(found, found.title), encoding="utf-8")
    # Last, because make takes it as the sign that everything is there.
    (folder / "summary.json").write_text(json.dumps(found.as_json(), indent=1) + "\n", encoding="utf-8")
    ours.remember()
    for file in (folder / "summary.json", folder / "summary.md", *drawn):
        console.print(str(file), style="dim", highlight=False, soft_wrap=True)
