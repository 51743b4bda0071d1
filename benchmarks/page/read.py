"""Contents of the page, read from plain files, any of which may be missing."""

import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from benchmarks.page.points import LoadingPoint, ScalingPoint, SweepPoint, TablePoint
from benchmarks.record import Result
from fashionvl.errors import InputError

DEVICES = ("cpu", "cuda")
T = TypeVar("T")


@dataclass(frozen=True)
class Measured:
    """One file of `python -m benchmarks`.

    Attributes:
        about: command, date, machine, device, commit, versions.
        rows: plans and controls.
        matmul_flops_per_s: of a matrix product measured in the same run, by precision.
        copy_bytes_per_s: read and written by a large copy.
    """

    about: dict[str, Any]
    rows: list[Result]
    matmul_flops_per_s: dict[str, float]
    copy_bytes_per_s: float | None


@dataclass(frozen=True)
class Scaling:
    """One file of `benchmarks/scaling.py`."""

    about: dict[str, Any]
    points: list[ScalingPoint]
    gradient_bytes: float | None
    parameters: float | None


@dataclass(frozen=True)
class Change:
    """Something tried for speed.

    Attributes:
        name: its key in `changes.yaml`.
        what: was changed.
        work: it was measured on.
        expected: written before the change was made.
        kept: True, False or `option`; None while undecided.
        why: it was kept or dropped.
        measured: with the change against without it, a row a device and precision.
        controls: the same plan twice, likewise.
    """

    name: str
    what: str
    work: str
    expected: str
    kept: bool | str | None
    why: str
    measured: list[Result]
    controls: list[Result]


@dataclass(frozen=True)
class Demo:
    """Seconds of whole runs of `make demo`, and of its stages before and after."""

    before_seconds: list[float]
    after_seconds: list[float]
    stages: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Other:
    """A file of an older or separate benchmark, whose rows hold some of a result's fields."""

    name: str
    about: dict[str, Any]
    rows: list[dict[str, Any]]


@dataclass
class Inputs:
    """Contents of the page; a missing file leaves its field empty.

    Attributes:
        measured: by device.
        sweeps: by device.
        scaling: by device.
        loading: points.
        tables: likewise, of a table with JPEGs.
        changes: in the order of `changes.yaml`.
        demo: None while it was not timed.
        others: files of other names.
        sources: each file's own account of its making, by name.
        remarks: Markdown written by hand, by the name of the section it ends.
    """

    measured: dict[str, Measured] = field(default_factory=dict)
    sweeps: dict[str, list[SweepPoint]] = field(default_factory=dict)
    scaling: dict[str, Scaling] = field(default_factory=dict)
    loading: list[LoadingPoint] = field(default_factory=list)
    tables: list[TablePoint] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    demo: Demo | None = None
    others: list[Other] = field(default_factory=list)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)


def read(results: Path) -> Inputs:
    """Read the folder of results, and beside it `changes.yaml` and the remarks `page/SECTION.md`.

    Raises:
        InputError: there is no such folder, or a file is not what its name promises.
    """
    if not results.is_dir():
        raise InputError(f"{results}: no such folder; python -m benchmarks writes its results to one")
    found = Inputs()
    tried: list[Result] = []
    for path in sorted(results.glob("*.json")):
        content, name = _content(path), path.stem
        found.sources[name] = content
        kind, _, device = name.partition("-")
        if name in DEVICES:
            found.measured[name] = _measured(path, content)
        elif kind == "sweeps":
            found.sweeps[device] = _points(path, content, SweepPoint)
        elif kind == "scaling":
            sizes = (content.get("gradient_bytes"), content.get("parameters"))
            found.scaling[device] = Scaling(content, _points(path, content, ScalingPoint), *sizes)
        elif name == "loading":
            found.loading = _points(path, content, LoadingPoint)
        elif name == "table_loading":
            found.tables = _points(path, content, TablePoint)
        elif name == "changes":
            tried = _rows(path, content, "results", Result)
        elif name == "demo":
            found.demo = _demo(path, content)
        else:
            found.others.append(Other(name, content, _list(path, content, "results")))
    found.changes = _changes(results.parent / "changes.yaml", tried)
    found.remarks = {file.stem: file.read_text().strip() for file in results.parent.glob("page/*.md")}
    return found


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except ValueError as problem:
        raise InputError(f"{path}: not JSON ({problem}); measure it again") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: a {type(content).__name__}, where a mapping was expected")
    return content


def _list(path: Path, content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows = content.get(key)
    if not isinstance(rows, list):
        raise InputError(f"{path}: {key}: a list was expected, there is {rows!r:.40}")
    return rows


def _rows(path: Path, content: dict[str, Any], key: str, kind: Callable[..., T]) -> list[T]:
    """Mappings as dataclasses; what these do not know is passed over, so that files may say more."""
    known = {entry.name: entry for entry in fields(kind)}  # type: ignore[arg-type]
    needed = {name for name, entry in known.items() if entry.default is MISSING}
    built = []
    for number, row in enumerate(_list(path, content, key)):
        absent = sorted(needed - set(row))
        if absent:
            raise InputError(f"{path}: {key}[{number}]: {', '.join(absent)} missing; it has {', '.join(row)}")
        built.append(kind(**{name: value for name, value in row.items() if name in known}))
    return built


def _points(path: Path, content: dict[str, Any], kind: Callable[..., T]) -> list[T]:
    return _rows(path, content, "points", kind)


def _measured(path: Path, content: dict[str, Any]) -> Measured:
    rows = _rows(path, content, "results", Result)
    return Measured(content, rows, content.get("matmul_flops_per_s") or {}, content.get("copy_bytes_per_s"))


def _demo(path: Path, content: dict[str, Any]) -> Demo:
    try:
        stages = {
            name: (float(one["before"]), float(one["after"]))
            for name, one in content.get("stages", {}).items()
        }
        return Demo(list(content["before_seconds"]), list(content["after_seconds"]), stages)
    except (KeyError, TypeError) as problem:
        wanted = "before_seconds: [..], after_seconds: [..], stages: {NAME: {before: .., after: ..}}"
        raise InputError(f"{path}: {problem}; it should hold {wanted}, in seconds") from None


def _changes(path: Path, tried: list[Result]) -> list[Change]:
    if not path.exists():
        return []
    listed = (yaml.safe_load(path.read_text()) or {}).get("changes") or {}
    unknown = sorted({row.work for row in tried} - set(listed))
    if unknown:
        raise InputError(f"{path}: results/changes.json measured {', '.join(unknown)}, which is not listed")
    changes = []
    for name, said in listed.items():
        absent = sorted({"what", "expected"} - set(said))
        if absent:
            raise InputError(f"{path}: changes.{name}: {', '.join(absent)} missing")
        rows = [row for row in tried if row.work == name]
        changes.append(
            Change(
                name, said["what"], said.get("work", ""), str(said["expected"]), said.get("kept"),
                said.get("why", ""), [row for row in rows if row.plan == "on"],
                [row for row in rows if row.plan == "control"],
            )
        )  # fmt: skip
    return changes
