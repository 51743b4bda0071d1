"""Measure works, print the table and keep it: `python -m benchmarks [WORK ...]`."""

import argparse
import sys
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks.machine import copy_bandwidth, facts
from benchmarks.record import RESULTS, load, others, save, show, slower
from benchmarks.run import Bench
from benchmarks.setting import Setting
from benchmarks.works import WORKS


def main(arguments: list[str] | None = None) -> int:
    """Run the works asked for; what was measured is written after each of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("works", nargs="*", metavar="WORK", help=f"some of {', '.join(WORKS)}; default: all")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for the first GPU")
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each work, beyond three rounds")
    parser.add_argument("--scratch", type=Path, default=Path("data/benchmarks"))
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/DEVICE.json, at full size")
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.works) - set(WORKS))
    if unknown:
        parser.error(f"{', '.join(unknown)}: no such work; there are {', '.join(WORKS)}")
    if given.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch sees no GPU here")
    if given.device == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    setting = Setting(torch.device(given.device), given.size, given.scratch, given.seconds)
    out = given.out or (RESULTS / f"{given.device}.json" if setting.full else None)
    _measure(setting, given.works or list(WORKS), arguments if arguments is not None else sys.argv[1:], out)
    return 0


def _measure(setting: Setting, names: list[str], words: list[str], out: Path | None) -> None:
    about = facts(" ".join(["python -m benchmarks", *words]), setting.device)
    last = load(out) if out else {}
    bench = Bench(setting, about["device"])
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    bandwidth = copy_bandwidth(setting.device)
    with Progress(*columns, console=console, transient=True) as progress:
        for results in bench.run(names, progress):
            if out:
                # A run of some works only leaves what the file says of the others.
                kept = others(last, results, about) if len(names) < len(WORKS) else []
                peaks = {**(last.get("matmul_flops_per_s", {}) if kept else {}), **bench.peaks}
                save(
                    out, about, matmul_flops_per_s=peaks, copy_bytes_per_s=bandwidth,
                    results=[*kept, *results],
                )  # fmt: skip
    show(bench.results)
    for line in slower(bench.results, last):
        console.print(line)
    if out:
        console.print(f"written to {out}")


if __name__ == "__main__":
    sys.exit(main())
