"""Measure works, print the table and keep it: `python -m benchmarks [WORK ...]`."""

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks.command import parse
from benchmarks.machine import copy_bandwidth, facts
from benchmarks.record import RESULTS, load, others, save, show, slower
from benchmarks.run import Bench
from benchmarks.setting import Setting
from benchmarks.works import WORKS


def main(arguments: list[str] | None = None) -> int:
    """Run the works asked for; what was measured is written after each of them."""
    what = (__doc__ or "").splitlines()[0]
    names, setting, out = parse(arguments, "python -m benchmarks", what, "work", WORKS, seconds=30.0)
    if out is None and setting.full:
        out = RESULTS / f"{setting.device.type}.json"
    _measure(setting, names, arguments if arguments is not None else sys.argv[1:], out)
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
