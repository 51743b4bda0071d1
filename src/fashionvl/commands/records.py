"""`fashionvl records`: run folders in, one JSON file out, from which a report is rebuilt."""

from argparse import ArgumentParser
from pathlib import Path

from fashionvl.reporting import metrics
from fashionvl.reporting.study.gather import MASKED
from fashionvl.runs.bundle import write_bundle


def main(arguments: list[str]) -> None:
    """Parse the command line and pack.

    Raises:
        InputError: there is no run, or a file of one is damaged.
    """
    parser = ArgumentParser(
        prog="fashionvl records",
        description="Pack what a report reads of run folders into one file: records, configurations, curves, "
        "per-item arrays; no weights, no examples.",
    )
    parser.add_argument("runs", type=Path, metavar="RUNS", help="folder of the runs of one scale")
    parser.add_argument("to", type=Path, metavar="FILE.json", help="file to write")
    given = parser.parse_args(arguments)
    count = write_bundle(given.runs, given.to, {**metrics.arrays("study"), **MASKED})
    print(f"{given.to}: {count} runs, {given.to.stat().st_size / 2**20:.2f} MiB")  # noqa: T201
