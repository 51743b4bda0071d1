"""The page's tables, as Markdown."""

from collections.abc import Iterable, Sequence

from benchmarks.page.numbers import (
    ABSENT,
    TIMES,
    duration,
    gigabytes,
    pace,
    ratio,
    share,
    significant,
    span,
    spread,
)
from benchmarks.page.points import LoadingPoint, ScalingPoint, SweepPoint, TablePoint
from benchmarks.page.read import Change, Demo, Measured, Other
from benchmarks.page.targets import targets
from benchmarks.record import Result

CONTROL = "control"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], right: int = 0) -> str:
    """A Markdown table; bars in cells are escaped, the last `right` columns are set to the right."""
    marks = ["---"] * (len(header) - right) + ["---:"] * right
    lines = [[_cell(cell) for cell in header], marks, *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def target_table(measured: Measured) -> str:
    """A row a plan: against its yardstick, its aims, and how far two equal plans lay apart."""
    header = (
        "work", "plan", "precision", "times as fast", "target", "a second", "MFU", "moved", "peak memory",
        "control",
    )  # fmt: skip
    controls = {row.work: row for row in measured.rows if row.plan == CONTROL}
    rows, last = [], ""
    for row in measured.rows:
        if row.plan == CONTROL:
            continue
        rows.append(_target_row(row, controls.get(row.work), row.work if row.work != last else ""))
        last = row.work
    return table(header, rows)


def _target_row(row: Result, control: Result | None, work: str) -> list[str]:
    is_yardstick = row.plan == row.against
    faster = "1 (yardstick)" if is_yardstick else spread(row.ratio_median, row.ratio_min, row.ratio_max)
    aims = [f"{one.words} {'met' if one.met else '**missed**'}" for one in targets(row)]
    return [
        work,
        row.plan,
        row.precision,
        faster,
        ", ".join(aims),
        pace(row.pairs_per_s, row.item),
        share(row.mfu),
        gigabytes(row.bytes_per_s),
        _memory(row),
        "" if is_yardstick or control is None else spread_of(control),
    ]


def _memory(row: Result) -> str:
    if row.peak_mb is None:
        return ABSENT
    held = f"{significant(row.peak_mb)} MB"
    return held if row.peak_share is None else f"{held}, {row.peak_share:.2f}{TIMES}"


def spread_of(row: Result) -> str:
    """A result's ratio with its least and greatest."""
    return spread(row.ratio_median, row.ratio_min, row.ratio_max)


def change_table(changes: list[Change]) -> str:
    """Table of the changes tried, with expected and measured gain."""
    header = ("change", "measured on", "expected before", "measured", "control", "kept", "why")
    rows = [
        (
            f"`{change.name}`: {change.what}",
            change.work,
            change.expected,
            _each(change.measured) or "not measured yet",
            _each(change.controls) or ABSENT,
            _kept(change.kept),
            change.why,
        )
        for change in changes
    ]
    return table(header, rows)


def _each(rows: list[Result]) -> str:
    """Format one ratio, or several, each with its precision and device."""
    if len(rows) < 2:
        return "".join(spread_of(row) for row in rows)
    return "; ".join(f"{spread_of(row)} in {row.precision} on {row.device}" for row in rows)


def _kept(kept: bool | str | None) -> str:
    if kept is None:
        return ABSENT
    if isinstance(kept, str):
        return f"as an {kept}"
    return "yes" if kept else "no"


def sweep_table(points: list[SweepPoint]) -> str:
    """Every point of the cost curves."""
    header = ("work", "axis", "value", "plan", "precision", "ms a pair", "least..greatest", "peak MB")
    rows = [
        (
            point.work, point.axis, f"{point.value:,}", point.plan, point.precision,
            significant(point.ms_per_pair), span(point.ms_min, point.ms_max, point.ms_per_pair),
            ABSENT if point.peak_mb is None else significant(point.peak_mb),
        )
        for point in points
    ]  # fmt: skip
    return table(header, rows)


def scaling_table(points: list[ScalingPoint]) -> str:
    """A row a number of processes, weak scaling first as the file has it."""
    header = (
        "scaling", "processes", "threads of each", "batch of each", "pairs/s", "step in ms", "efficiency",
        "all-reduce, of the step", "all-reduce alone",
    )  # fmt: skip
    return table(header, [_scaling_row(point) for point in points])


def _scaling_row(point: ScalingPoint) -> list[str]:
    median, least, greatest = (1000 * one for one in (point.step_seconds, point.step_min, point.step_max))
    summed = point.allreduce_gb_per_s
    return [
        point.mode,
        f"{point.processes}",
        f"{point.threads}",
        f"{point.batch}",
        significant(point.pairs_per_s),
        f"{significant(median)} ({span(least, greatest, median)})",
        share(point.efficiency),
        share(point.allreduce_share),
        ABSENT if summed is None else f"{significant(summed)} GB/s",
    ]


def loading_table(points: list[LoadingPoint]) -> str:
    """A row a layout and storage, a column a number of workers: pairs a second, and times that of HDF5."""
    workers = sorted({point.workers for point in points})
    at = {(point.layout, point.storage, point.workers): point for point in points}
    lines = list(dict.fromkeys((point.storage, point.layout) for point in points))
    header = ("storage", "layout", *(f"{n} worker{'s' if n != 1 else ''}" for n in workers))
    rows = [
        (storage, layout, *(_loading_cell(at.get((layout, storage, count))) for count in workers))
        for storage, layout in lines
    ]
    return table(header, rows, right=len(workers))


def _loading_cell(point: LoadingPoint | None) -> str:
    if point is None:
        return ABSENT
    cell = significant(point.pairs_per_s)
    if point.ratio_to_hdf5 is None or point.layout == "hdf5":
        return cell
    return f"{cell} ({ratio(point.ratio_to_hdf5)})"


def jpeg_table(points: list[TablePoint]) -> str:
    """A row a size and way of loading a table's JPEGs: pairs a second of CPU time."""
    rows = []
    for point in points:
        pace = point.pairs_per_cpu_s
        rounds = span(point.pairs_per_cpu_s_min, point.pairs_per_cpu_s_max, pace)
        rows.append((f"{point.image_size} px", point.way, f"{significant(pace)} ({rounds})", _target(point)))
    return table(("size", "photographs", "pairs a CPU second", "target"), rows, right=2)


def _target(point: TablePoint) -> str:
    if point.target is None:
        return ABSENT
    met = "met" if point.pairs_per_cpu_s >= point.target else "missed"
    return f">= {point.target:,.0f}, {met}"


def demo_table(demo: Demo) -> str:
    """Stages of `make demo`, before and after."""
    rows = [
        (name, duration(before), duration(after), ratio(before / after))
        for name, (before, after) in demo.stages.items()
    ]
    return table(("stage", "before", "after", "times as fast"), rows, right=3)


def other_table(others: list[Other]) -> str:
    """Rows of files of other names, by the fields that they have."""
    rows = []
    for other in others:
        for row in other.rows:
            faster = (
                spread(*(row[f"ratio_{name}"] for name in ("median", "min", "max")))
                if "ratio_median" in row
                else ABSENT
            )
            peak = f"{significant(row['peak_mb'])} MB" if "peak_mb" in row else ABSENT
            about = ", ".join(str(row[name]) for name in ("device", "precision") if name in row)
            what = ", ".join(str(row[name]) for name in ("work", "plan") if name in row) or ABSENT
            each = pace(row.get("pairs_per_s"), row.get("item", "pair"))
            rows.append((what, about, faster, each, peak, f"`{other.name}.json`"))
    return table(("work", "where", "ratio", "a second", "peak memory", "file"), rows)
