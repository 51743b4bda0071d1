"""`fashionvl seeds`: the retrieval results of single runs as one small JSON file."""

import sys
from argparse import ArgumentParser
from pathlib import Path

from fashionvl.files.whole import written_whole
from fashionvl.reporting.seeds import read_seeds, seeds_json


def main(arguments: list[str]) -> None:
    """Parse the command line and write.

    Raises:
        InputError: there is no run, a record is damaged, or runs do not belong together.
    """
    parser = ArgumentParser(
        prog="fashionvl seeds",
        description="Retrieval results of every run tested in both directions, one entry a run: data, model, "
        "column, seed, R@1, R@5, R@10 and SumR.",
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUNS", help="folders or files of `records`")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.json", help="file to write")
    given = parser.parse_args(arguments)
    entries, left_out = read_seeds(given.runs)
    for line in left_out:
        print(f"left out: {line}", file=sys.stderr)  # noqa: T201
    given.out.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(given.out) as target:
        target.write(seeds_json(entries).encode())
    print(f"{given.out}: {len(entries)} runs, {len(left_out)} left out")  # noqa: T201
