"""The command line that the programs which measure pieces by name have in common."""

import argparse
from collections.abc import Collection
from pathlib import Path

import torch

from benchmarks.computing import allow_tf32
from benchmarks.setting import Setting


def parse(
    arguments: list[str] | None, prog: str, what: str, piece: str, pieces: Collection[str], seconds: float
) -> tuple[list[str], Setting, Path | None]:
    """The pieces asked for, all of them by default; the setting; and `--out`.

    A mistake ends the program with one line.

    Args:
        arguments: None reads the command line.
        prog: how the program is called.
        what: it does, in a line.
        piece: what a piece is called.
        pieces: their names.
        seconds: that each is measured for by default.
    """
    parser = argparse.ArgumentParser(prog=prog, description=what)
    parser.add_argument(
        "pieces", nargs="*", metavar=piece.upper(), help=f"some of {', '.join(pieces)}; default: all"
    )
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for the first GPU")
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    parser.add_argument(
        "--seconds", type=float, default=seconds, help=f"of each {piece}, beyond three rounds"
    )
    parser.add_argument("--scratch", type=Path, default=Path("data/benchmarks"))
    parser.add_argument("--out", type=Path, help="default: in benchmarks/results, at full size")
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.pieces) - set(pieces))
    if unknown:
        parser.error(f"{', '.join(unknown)}: no such {piece}; there are {', '.join(pieces)}")
    if given.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch sees no GPU here")
    setting = Setting(torch.device(given.device), given.size, given.scratch, given.seconds)
    allow_tf32(setting.device)
    return given.pieces or list(pieces), setting, given.out
