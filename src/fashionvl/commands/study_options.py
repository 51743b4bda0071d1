"""The options that every command about studies shares."""

from argparse import ArgumentParser
from pathlib import Path

from fashionvl.studies.study import FOLDER


def study_parser(command: str, description: str, required: bool = True) -> ArgumentParser:
    """A parser with studies, scale, seeds, runs and the folder of the studies.

    Args:
        command: of `fashionvl`.
        description: shown by its help.
        required: whether at least one study must be named.
    """
    parser = ArgumentParser(prog=f"fashionvl {command}", description=description)
    parser.add_argument(
        "studies", nargs="+" if required else "*", metavar="STUDY", help="folder name of a study"
    )
    parser.add_argument(
        "--scale", default="laptop", help="of the recipe: smoke, laptop, photographs, gpu, paper"
    )
    parser.add_argument("--seeds", nargs="+", type=int, metavar="SEED", help="each column runs with each")
    parser.add_argument(
        "--runs",
        type=Path,
        help="folder of the runs, or for a report a file of `fashionvl records`; default: runs/SCALE",
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="folder of the studies")
    return parser
