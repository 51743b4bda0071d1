"""Run folders read back as plain data: the record, the log, per-query arrays and examples."""

import csv
import io
import json
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fashionvl.configuration import parse_yaml
from fashionvl.errors import InputError
from fashionvl.runs.layout import SCHEMA, STAGES
from fashionvl.runs.not_finite import decoded
from fashionvl.runs.places import ON_DISK, Files

COSTS = ("fit_cost", "test_cost", "predict_cost")
"""Sections of a record that say what a stage took."""

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Series:
    """One logged quantity: `[N]` int64 optimisation steps and `[N]` float64 values, in the order logged."""

    steps: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Run:
    """One stage of one variant.

    Attributes:
        path: the run folder.
        record: what `metrics.json` holds, numbers that were not finite among it; empty when the stage has not
            recorded anything yet.
        files: where the folder's other files are read from.
    """

    path: Path
    record: dict[str, Any]
    files: Files = ON_DISK

    @property
    def name(self) -> str:
        """The folder's name, which is the stage's."""
        return self.path.name

    @property
    def test(self) -> dict[str, float]:
        """Test metrics as `protocol/metric`; empty when the stage has no test or was not tested yet."""
        return {name: value for name, value in self.section("test").items() if value is not None}

    @property
    def seconds(self) -> float:
        """Spent on training, test and prediction, data preparation included; start-up is not."""
        costs = [self.section(name) for name in COSTS]
        return float(sum(max(cost.get("wall_seconds", 0.0), cost.get("seconds", 0.0)) for cost in costs))

    @property
    def limited(self) -> str:
        """Limits on stages, such as `test: limit_test_batches 2`; empty where all data were used."""
        stages = self.section("limited").items()
        return "; ".join(
            f"{stage}: {', '.join(f'{key} {value}' for key, value in found.items())}"
            for stage, found in stages
        )

    def section(self, name: str) -> dict[str, Any]:
        """A section of the record, empty where the record lacks it.

        Raises:
            InputError: the record holds something else there.
        """
        found = self.record.get(name, {})
        if not isinstance(found, dict):
            raise InputError(
                f"{self.path / 'metrics.json'}: {name!r} is {type(found).__name__}, expected an object"
            )
        return found

    def read(self, name: str) -> bytes | None:
        """Content of a file of the folder; None where there is none."""
        return self.files.read(self.path / name)

    def has(self, name: str) -> bool:
        """Return whether the folder holds a file or folder of that name."""
        return self.files.exists(self.path / name)

    def config(self) -> dict[str, Any] | None:
        """The resolved configuration of `config.yaml`; None without the file.

        Raises:
            InputError: the file is not a YAML mapping.
        """
        content = self.read("config.yaml")
        return None if content is None else parse_yaml(content, self.path / "config.yaml")

    def arrays(self, name: str, needed: tuple[str, ...], optional: tuple[str, ...] = ()) -> Arrays | None:
        """The needed arrays of `{name}.npz` and those optional ones it has, or None without such a file.

        Raises:
            InputError: the file is damaged or lacks an array.
        """
        file, content = self.path / f"{name}.npz", self.read(f"{name}.npz")
        if content is None:
            return None
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                return {key: stored[key] for key in (*needed, *(key for key in optional if key in stored))}
        except KeyError as error:
            raise InputError(
                f"{file}: {error.args[0]}, expected {', '.join(needed)}; test the stage again"
            ) from error
        except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"{file}: damaged ({error}); delete it and test the stage again") from error

    def log(self) -> dict[str, Series]:
        """Everything in `metrics.csv` by name; empty without the file.

        A last line cut short by an interruption is left out.

        Raises:
            InputError: any other line is not `step, epoch, name, value`.
        """
        file, content = self.path / "metrics.csv", self.read("metrics.csv")
        if content is None:
            return {}
        rows = list(csv.reader(io.StringIO(content.decode(), newline="")))[1:]
        points: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, row in enumerate(rows, start=2):
            try:
                step, _, name, value = row
                points[name].append((int(step), float(value)))
            except ValueError as error:
                if number == len(rows) + 1:
                    break
                raise InputError(f"{file}: line {number} is not `step, epoch, name, value`") from error
        return {
            name: Series(np.array([s for s, _ in found]), np.array([v for _, v in found], float))
            for name, found in points.items()
        }


def read_run(path: Path, files: Files = ON_DISK) -> Run:
    """Read one run folder; a stage still running may have no `metrics.json` yet.

    Args:
        path: the run folder.
        files: where it is read from.

    Raises:
        InputError: `metrics.json` is cut short, is not a record, or comes from a newer fashionvl.
    """
    file = path / "metrics.json"
    content = files.read(file)
    if content is None:
        return Run(path, {}, files)
    try:
        record = json.loads(content)
    except ValueError as error:
        raise InputError(f"{file}: not valid JSON ({error}); delete it and run the stage again") from error
    if not isinstance(record, dict):
        raise InputError(f"{file}: holds a JSON {type(record).__name__}, expected an object")
    if record.get("schema", 0) > SCHEMA:
        raise InputError(f"{file}: schema {record['schema']} is newer than {SCHEMA}; update fashionvl")
    return Run(path, decoded(record), files)


def read_runs(folder: Path) -> list[Run]:
    """The run folders directly under a folder, in the order of `STAGES`.

    Raises:
        InputError: there is no such folder, or none of its sub-folders has recorded anything.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no such folder; expected one that holds run folders such as {folder / 'pretrain'}"
        )
    holding = {file.parent for name in ("metrics.json", "metrics.csv") for file in folder.glob(f"*/{name}")}
    runs = sorted((read_run(path) for path in holding), key=position)
    if not any(run.record for run in runs):
        raise InputError(
            f"{folder}: holds no run with a metrics.json; expected one such as {folder / 'pretrain'}"
        )
    return runs


def position(run: Run) -> tuple[int, str]:
    """Orders runs by stage, then by name."""
    return (STAGES.index(run.name) if run.name in STAGES else len(STAGES), run.name)
