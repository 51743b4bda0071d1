"""A study's table and verdicts for the terminal."""

from rich import box
from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from fashionvl.reporting.page.formatting import ABSENT, number, signed
from fashionvl.reporting.study_report import Cell, ColumnReport, Metric, StageRun, StudyReport

WIDE = 112
"""Characters from which the longer choice of metrics fits."""

FEW = ("tir/sum_r", "itr/sum_r", "m_cr/accuracy", "s_cr/accuracy")
MANY = (
    "tir/r1", "tir/sum_r", "itr/r1", "itr/sum_r", "m_cr/accuracy", "s_cr/accuracy", "mig/psnr_masked",
)  # fmt: skip

KEY = "Each cell: ours ± sd over seeds; Δ to {reference}, * where real; the paper's value (and Δ)."


def study_text(study: StudyReport, width: int) -> Group:
    """Table, key and verdicts, for a terminal of some characters; made for 80 and for 120."""
    chosen = MANY if width >= WIDE else FEW
    metrics = [metric for metric in study.metrics if metric.key in chosen]
    table = Table(
        title=f"{study.title}: {study.question}", box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left",
        show_lines=False,
    )  # fmt: skip
    table.add_column("")
    for metric in metrics:
        unit = f" {metric.unit}" if metric.unit else ""
        table.add_column(f"{metric.task}\n{metric.name}{unit}", justify="right", no_wrap=True)
    for column in study.columns:
        cells = [_cell(metric, column.cells.get(metric.key, Cell())) for metric in metrics]
        table.add_row(_name(column), *cells, end_section=True)
    seeds = ", ".join(map(str, study.seeds))
    key = Text(f"{KEY.format(reference=study.reference)} Seeds {seeds}.", style="dim")
    return Group(table, key, *_lines(study))


def _name(column: ColumnReport) -> str:
    state = "" if column.state == "done" else f"\n[yellow]{column.state}[/]"
    return f"[bold]{escape(column.id)}[/]\n{escape(column.label)}{state}"


def _cell(metric: Metric, cell: Cell) -> str:
    """Three short lines, of which those that say nothing are left out."""
    lines = []
    if cell.ours:
        sd = "" if cell.ours.sd is None else f" ± {number(cell.ours.sd, metric.digits)}"
        lines.append(f"[bold]{number(cell.ours.value, metric.digits)}[/]{sd}")
    if cell.difference:
        said = f"Δ {signed(cell.difference.value, metric.digits)}"
        lines.append(f"{said} *" if cell.difference.real else f"{said}  ")
    if cell.paper is not None:
        apart = cell.paper_difference
        beside = "" if apart is None else f" ({signed(apart, metric.digits)})"
        lines.append(f"[dim]{number(cell.paper, metric.digits)}{beside}[/]")
    return "\n".join(lines) or ABSENT


def _lines(study: StudyReport) -> list[Text]:
    """Verdicts, and why numbers are not there."""
    lines = [
        Text.assemble((column.id, "bold"), f" {group}: {said}")
        for column in study.columns
        for group, said in column.verdicts.items()
        if column.state == "done" or said != "not measured"
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
