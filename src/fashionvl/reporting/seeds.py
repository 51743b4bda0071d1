"""Retrieval of single runs, a line for each seed: what spreads over seeds are taken from."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fashionvl.errors import InputError
from fashionvl.runs.bundle import open_runs
from fashionvl.runs.places import Files
from fashionvl.runs.reading import Run, read_run

DIRECTIONS = ("tir", "itr")
METRICS = ("r1", "r5", "r10", "sum_r")

DIGITS = 4
"""After the point."""

ORDER = ("data", "catalogue_seed", "model", "study", "column")
"""Keys that entries are sorted by, before the seed."""

NAMES = {"KaleidoBERT": "Kaleido-BERT"}
"""Networks whose class is not named as the papers name them."""

Entry = dict[str, Any]


def read_seeds(roots: list[Path]) -> tuple[list[Entry], list[str]]:
    """Read the retrieval results of all runs.

    Args:
        roots: folders of runs, or files that `fashionvl records` wrote.

    Returns:
        One entry a run, sorted by data, catalogue seed, model, study, column and seed; and for each run left
        out, which one and why.

    Raises:
        InputError: there is no run, a record is damaged, runs have different scales, or two are of the same
            data, model, study, column and seed.
    """
    found: dict[tuple[Any, ...], tuple[Path, Entry]] = {}
    scales: dict[Any, Path] = {}
    left_out = []
    for root in roots:
        runs = list(_runs(root, open_runs(root)))
        if not runs:
            raise InputError(f"{root}: holds no run with a metrics.json")
        for run in runs:
            if reason := _reason(run):
                left_out.append(f"{run.path}: {reason}")
                continue
            entry = _entry(run)
            scales.setdefault(run.record.get("scale"), run.path)
            key = (*(str(entry.get(name, "")) for name in ORDER), entry["seed"])
            if key in found:
                raise InputError(
                    f"{found[key][0]} and {run.path} are both {entry['study']}/{entry['column']} of "
                    f"{entry['model']} with seed {entry['seed']} on the same data; give one of them"
                )
            found[key] = run.path, entry
    if len(scales) > 1:
        said = ", ".join(f"{path} at {scale}" for scale, path in scales.items())
        raise InputError(f"runs of different scales ({said}); numbers compare inside one scale only")
    return [found[key][1] for key in sorted(found)], left_out


def seeds_json(entries: list[Entry]) -> str:
    """A JSON list with one entry a line, so that a new run changes one line."""
    return "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries) + "\n]\n"


def _runs(root: Path, files: Files) -> Iterator[Run]:
    """The run folders under a folder, at any depth."""
    if files.exists(root / "metrics.json"):
        yield read_run(root, files)
        return
    for name in files.folders(root):
        yield from _runs(root / name, files)


def _reason(run: Run) -> str:
    """Say why a run has no entry; empty where it has one."""
    missing = [one for one in DIRECTIONS if any(f"{one}/{metric}" not in run.test for metric in METRICS)]
    if missing:
        return f"no results of {' and '.join(missing)}"
    if run.has("failed.json"):
        return "failed, its numbers may be of an earlier attempt"
    return f"saw a part of its data only ({run.limited})" if run.limited else ""


def _entry(run: Run) -> Entry:
    entry: Entry = {
        **_data(run),
        "model": _model(run),
        "study": _fact(run, "study"),
        "column": _fact(run, "column"),
        "seed": int(_fact(run, "seed")),
    }
    for direction in DIRECTIONS:
        entry[direction] = {
            metric: round(float(run.test[f"{direction}/{metric}"]), DIGITS) for metric in METRICS
        }
    return entry


def _data(run: Run) -> Entry:
    """`synthetic` and the catalogue's seed where the catalogue is drawn; else the folder's name."""
    given = ((run.config() or {}).get("data") or {}).get("init_args") or {}
    if given.get("root") is None and "synthetic" in given:
        return {"data": "synthetic", "catalogue_seed": int((given["synthetic"] or {}).get("seed", 0))}
    root = Path(given.get("root") or run.section("data").get("root", ""))
    # A table is named by its file.
    name = root.parent.name if root.suffix else root.name
    if not name:
        raise InputError(f"{run.path}: neither config.yaml nor metrics.json names the data; run it again")
    return {"data": name}


def _model(run: Run) -> str:
    """The network's name; an older record has it in its configuration only."""
    name = run.record.get("network")
    if not name:
        task = (run.config() or {}).get("model") or {}
        network = (task.get("init_args") or {}).get("network") or {}
        name = str(network.get("class_path", "")).rpartition(".")[2]
    if not name:
        raise InputError(f"{run.path / 'metrics.json'}: names no network; test the stage again")
    return NAMES.get(name, name)


def _fact(run: Run, name: str) -> Any:
    value = run.record.get(name)
    if value is None:
        raise InputError(f"{run.path / 'metrics.json'}: has no {name!r}; only columns of studies have seeds")
    return value
