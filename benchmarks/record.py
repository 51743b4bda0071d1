"""Results as plain files: written whole, compared with what was recorded last, shown as a table."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
SLOWER = 0.9
"""A ratio below this share of the last recorded one is worth a line."""


@dataclass(frozen=True)
class Result:
    """One plan against another, or a plan alone.

    Attributes:
        work: what was done.
        plan: how.
        against: the plan it is compared with.
        device: `cpu` or the GPU's name.
        precision: `fp32`, `tf32`, `bf16`.
        ratio_median: how many times as fast as `against`, median over rounds.
        ratio_min: the least of a round.
        ratio_max: the greatest of a round.
        rounds: how many.
        item: what `items_per_s` counts.
        pairs_per_s: items a second, median.
        flops_per_s: achieved; None where nothing is computed.
        mfu: `flops_per_s` over that of a matrix product of this precision, measured in the same run.
        bytes_per_s: moved, where bandwidth is the limit; else None.
        peak_mb: most memory held above the idle model; None where it was not measured.
        peak_share: of `against`'s.
        stages: milliseconds of one turn by stage.
        target: the targets in words.
        met: whether every target of this plan was met; None without one.
        note: what was left out or scaled down.
    """

    work: str
    plan: str
    against: str
    device: str
    precision: str
    ratio_median: float
    ratio_min: float
    ratio_max: float
    rounds: int
    item: str = "pair"
    pairs_per_s: float | None = None
    flops_per_s: float | None = None
    mfu: float | None = None
    bytes_per_s: float | None = None
    peak_mb: float | None = None
    peak_share: float | None = None
    stages: dict[str, float] | None = None
    target: str = ""
    met: bool | None = None
    note: str = ""


def save(path: Path, facts: dict[str, Any], **content: Any) -> None:
    """Write results; dataclasses become plain mappings, numbers keep four significant digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    scratch.write_text(json.dumps(_plain({**facts, **content}), indent=1) + "\n")
    scratch.replace(path)


def load(path: Path) -> dict[str, Any]:
    """A file of results; empty where there is none."""
    return json.loads(path.read_text()) if path.exists() else {}


def others(last: dict[str, Any], results: list[Result], about: dict[str, Any]) -> list[dict[str, Any]]:
    """Keep a file's rows of works and devices not among `results`, if this machine measured them."""
    if last.get("machine") != about.get("machine"):
        return []
    done = {(row.work, row.device) for row in results}
    return [row for row in last.get("results", []) if (row["work"], row["device"]) not in done]


def slower(results: list[Result], last: dict[str, Any]) -> list[str]:
    """A line for each plan whose ratio fell clearly below the one last recorded."""
    recorded = {(row["work"], row["plan"], row["device"]): row for row in last.get("results", [])}
    lines = []
    for result in results:
        before = recorded.get((result.work, result.plan, result.device))
        if before and result.ratio_median < SLOWER * before["ratio_median"]:
            lines.append(
                f"slower than last recorded: {result.work}, {result.plan}: "
                f"{result.ratio_median:.2f} times, was {before['ratio_median']:.2f} on {last.get('date')}"
            )
    return lines


def show(results: list[Result]) -> None:
    """Print the table."""
    table = Table(title="How many times as fast as the plan compared with", title_justify="left")
    for name in ("work", "plan", "precision", "against"):
        table.add_column(name)
    for name in ("ratio", "min..max", "a second", "MFU", "peak MB", "target"):
        table.add_column(name, justify="right")
    for row in results:
        table.add_row(
            row.work, row.plan, row.precision, row.against,
            f"{row.ratio_median:.2f}", f"{row.ratio_min:.2f}..{row.ratio_max:.2f}",
            _amount(row.pairs_per_s, f" {row.item}s"),
            f"{row.mfu:.0%}" if row.mfu else "",
            _amount(row.peak_mb, f" ({row.peak_share:.2f})" if row.peak_share else ""),
            f"{row.target} {'met' if row.met else 'MISSED'}" if row.target else "",
        )  # fmt: skip
    Console(width=None if Console().is_terminal else 160).print(table)


def _amount(value: float | None, suffix: str) -> str:
    return "" if value is None else f"{value:,.{0 if value >= 100 else 1}f}{suffix}"


def _plain(value: Any) -> Any:
    if isinstance(value, Result):
        kept = {name: item for name, item in asdict(value).items() if item not in (None, "")}
        return _plain(kept)
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
