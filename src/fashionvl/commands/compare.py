"""`fashionvl compare RUN_FOLDER...`."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from rich.console import Console

from fashionvl.files.ours import Ours
from fashionvl.reporting.compare.models import Model, read_models
from fashionvl.reporting.compare.pairing import Pairing, pair
from fashionvl.reporting.compare.pictures import PLANS, draw_pictures
from fashionvl.reporting.compare.text import comparison_markdown, comparison_text, notes
from fashionvl.reporting.study.plain_data import plain

WRITTEN = ("summary.json", "comparison.md", "comparison.html")


def main(arguments: list[str]) -> None:
    """Parse the command line and compare."""
    parser = ArgumentParser(
        prog="fashionvl compare",
        description="Put whole models beside each other: tests on the same queries, costs, pictures.",
    )
    parser.add_argument(
        "folders",
        nargs="+",
        type=Path,
        metavar="RUN_FOLDER",
        help="holds one run folder a stage, of one model",
    )
    parser.add_argument("--names", nargs="+", metavar="NAME", help="of the models; default: of the folders")
    parser.add_argument(
        "--shared", nargs="+", type=Path, default=[], metavar="FOLDER",
        help="holds stages that several runs share, such as saliency, captioner, align and features",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("runs/compare"), help="folder to write")
    given = parser.parse_args(arguments)
    names = given.names or [folder.resolve().name for folder in given.folders]
    compare(read_models(given.folders, names, given.shared), given.out)


def compare(models: list[Model], out: Path) -> None:
    """Write `summary.json`, `comparison.md`, `comparison.html` and the pictures, and print the table.

    Raises:
        InputError: a file of a run is unusable, or one would be replaced that this command did not write.
    """
    # Imported late: the page needs its own libraries, which a refusal above should not wait for.
    from fashionvl.reporting.page.compared import write_comparison

    pictures = ("scores", *(plan.name for plan in PLANS))
    ours = Ours(out, [*WRITTEN, *(f"pictures/{name}.png" for name in pictures)])
    pairing = pair(models)
    ours.begin()
    drawn, missing = draw_pictures(models, out / "pictures")
    noted = notes(models, pairing, missing)
    console = Console()
    console.print(comparison_text(models, pairing, noted, console.width))
    write_comparison(models, pairing, noted, drawn, out / "comparison.html")
    text = comparison_markdown(models, pairing, noted, [picture.file.stem for picture in drawn])
    (out / "comparison.md").write_text(text, encoding="utf-8")
    # Last, because make takes it as the sign that everything is there.
    (out / "summary.json").write_text(
        json.dumps(summaries(models, pairing), indent=1) + "\n", encoding="utf-8"
    )
    ours.remember()
    for file in (*(out / name for name in WRITTEN), *(picture.file for picture in drawn)):
        console.print(str(file), style="dim", highlight=False, soft_wrap=True)


def summaries(models: list[Model], pairing: Pairing) -> dict[str, Any]:
    """Return one object a model; those after the first hold their differences to it under `paired`."""
    found = {model.name: model.as_json() for model in models}
    for name, differences in pairing.differences.items():
        found[name]["paired"] = {
            "with": pairing.reference,
            "differences": plain(differences),
            "refused": pairing.refused,
        }
    return found
