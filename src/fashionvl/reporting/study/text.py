"""A study's table and verdicts for the terminal."""

from rich import box
from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from fashionvl.reporting.metrics import Place, known
from fashionvl.reporting.study.formatting import ABSENT, number, signed
from fashionvl.reporting.study.power import detectable_words
from fashionvl.reporting.study.records import Cell, ColumnReport, Metric, StageRun, StudyReport

WIDE = 100
"""Characters from which the longer choice of metrics fits. What the registry does not know is in both."""

KEY = "Ours ± sd over seeds; Δ to {reference}, * where real; the paper's value (and its Δ)."


def study_text(study: StudyReport, width: int) -> Group:
    """Table, key and verdicts, for a terminal of some characters; made for 80 and for 120."""
    places: set[Place] = {"terminal", "wide terminal"} if width >= WIDE else {"terminal"}
    metrics = [metric for metric in study.metrics if known(metric.key).shown & places]
    table = Table(
        title=f"{study.title}: {study.question}", box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left",
        show_lines=False,
    )  # fmt: skip
    table.add_column("")
    table.add_column("", no_wrap=True)
    for metric in metrics:
        unit = f" {metric.unit}" if metric.unit else ""
        table.add_column(f"{metric.task}\n{metric.name}{unit}", justify="right", no_wrap=True)
    for column in study.columns:
        stacked = ["\n".join(entries) for entries in zip(*_rows(metrics, column), strict=True)]
        table.add_row(_name(column), *stacked, end_section=True)
    seeds = ", ".join(map(str, study.seeds))
    key = Text(f"{KEY.format(reference=study.reference)} Seeds {seeds}.", style="dim")
    key.append(f" {detectable_words(study, metrics, with_task=True)}".rstrip())
    return Group(table, key, *_lines(study))


def _name(column: ColumnReport) -> str:
    state = "" if column.state == "done" else f"\n[yellow]{column.state}[/]"
    return f"[bold]{escape(column.id)}[/]\n{escape(column.label)}{state}"


def _rows(metrics: list[Metric], column: ColumnReport) -> list[list[str]]:
    """Ours, the difference and the paper's, each as a row of entries; rows of nothing are left out."""
    cells = [(metric, column.cells.get(metric.key, Cell())) for metric in metrics]
    rows = [
        ["[bold]ours[/]", *(_ours(metric, cell) for metric, cell in cells)],
        ["Δ", *(_difference(metric, cell) for metric, cell in cells)],
        ["[dim]paper[/]", *(_paper(metric, cell) for metric, cell in cells)],
    ]
    return [rows[0], *(row for row in rows[1:] if any(row[1:]))]


def _ours(metric: Metric, cell: Cell) -> str:
    if cell.ours is None:
        return ABSENT
    sd = "" if cell.ours.sd is None else f" ± {number(cell.ours.sd, metric.digits)}"
    return f"[bold]{number(cell.ours.value, metric.digits)}[/]{sd}"


def _difference(metric: Metric, cell: Cell) -> str:
    if cell.difference is None:
        return ""
    return f"{signed(cell.difference.value, metric.digits)} {'*' if cell.difference.real else ' '}"


def _paper(metric: Metric, cell: Cell) -> str:
    if cell.paper is None:
        return ""
    apart = cell.paper_difference
    beside = "" if apart is None else f" ({signed(apart, metric.digits)})"
    return f"[dim]{number(cell.paper, metric.digits)}{beside}[/]"


def _lines(study: StudyReport) -> list[Text]:
    """Verdicts, and why numbers are not there."""
    lines = [
        Text.assemble((column.id, "bold"), f" {group}: {found.text}")
        for column in study.columns
        for group, found in column.verdicts.items()
        if column.state == "done" or found.kind != "not measured"
    ]
    for column in study.columns:
        lines += [
            Text.assemble((column.id, "bold"), f" {told}", style="yellow") for told in why_open(column.runs)
        ]
    return lines


def why_open(runs: list[StageRun]) -> list[str]:
    """One line for each state other than done: which stages and seeds, and the reason of each failure."""
    lines = [f"failed: {_where(run)}, {run.reason}" for run in runs if run.state == "failed"]
    for state in ("unfinished", "missing"):
        found = [_where(run) for run in runs if run.state == state]
        if found:
            lines.append(f"{state}: {', '.join(found)}")
    return lines


def _where(run: StageRun) -> str:
    return f"{run.stage} seed {run.seed}"
