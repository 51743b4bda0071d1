"""`fashionvl init DIR`."""

import shutil
from argparse import ArgumentParser
from pathlib import Path

from fashionvl.errors import InputError
from fashionvl.files.shipped import FOLDERS, shipped

NEXT = """{folder}: {files} files in {names}

  cd {folder}
  fashionvl fit --config experiments/mvlt/pretrain.yaml --config experiments/mvlt/smoke.yaml"""


def main(arguments: list[str]) -> None:
    """Parse the command line and lay the folders out."""
    parser = ArgumentParser(
        prog="fashionvl init",
        description="Copy the recipes, studies and sweeps that came with the package, to change them.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="made if it is not there")
    folder = parser.parse_args(arguments).folder
    copied = lay_out(folder)
    names = ", ".join(f"{path.name}/" for path in copied)
    files = sum(1 for path in copied for _ in path.rglob("*.yaml"))
    print(NEXT.format(folder=folder, files=files, names=names))  # noqa: T201


def lay_out(folder: Path) -> list[Path]:
    """Copy what is shipped.

    Args:
        folder: made if it is not there.

    Returns:
        The folders made in it.

    Raises:
        InputError: one of them is there already, or nothing came with the package.
    """
    place = shipped()
    if place is None:
        raise InputError("init: this installation has no recipes; install the wheel or a checkout again")
    names = [name for name in FOLDERS if (place / name).is_dir()]
    for name in names:
        if (folder / name).exists():
            raise InputError(f"init: {folder / name} is there already; choose another folder or move it away")
    return [Path(shutil.copytree(place / name, folder / name)) for name in names]
