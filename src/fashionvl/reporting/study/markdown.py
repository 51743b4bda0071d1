"""The whole report as Markdown: tables, verdicts, costs, sources, the papers' claims, notes."""

from pathlib import Path
from urllib.parse import unquote

from fashionvl.reporting import metrics as registry
from fashionvl.reporting.overview import duration
from fashionvl.reporting.study.formatting import (
    ABSENT,
    magnitude,
    number,
    probability,
    relative_link,
    signed,
    signed_span,
    span,
)
from fashionvl.reporting.study.power import detectable_words
from fashionvl.reporting.study.records import (
    Cell,
    Claim,
    ColumnReport,
    Metric,
    Report,
    StageRun,
    StudyReport,
)
from fashionvl.reporting.study.single_tasks import Ended, SingleTask, tasks_ended
from fashionvl.reporting.study.text import why_open


def report_markdown(report: Report, folder: Path) -> str:
    """The text of `report.md`.

    Args:
        report: to write.
        folder: the text will lie in, from which its links start.
    """
    about = f"Scale {report.scale}; data {report.data[:16] or 'none yet'}."
    blocks = [f"# {report.title}", about]
    blocks += ["\n".join(f"- {note}" for note in report.notes)]
    for study in report.studies:
        blocks += _study(study, folder)
    if report.claims:
        blocks += ["## The papers' own differences", _claims(report.claims)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _study(study: StudyReport, folder: Path) -> list[str]:
    seeds = ", ".join(map(str, study.seeds))
    said = [study.question, f"Reference {study.reference}; seeds {seeds}."]
    if study.source:
        said.append(f"Source: {study.source}.")
    return [
        f"## {study.title}",
        " ".join(said),
        *(_task(study, task) for task in dict.fromkeys(metric.task for metric in study.metrics)),
        _single_tasks(study),
        _verdicts(study),
        _open(study),
        "### Costs",
        _costs(study),
        "### Runs",
        _runs(study, folder),
    ]


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; bars inside cells are escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_plain(cell) for cell in line) + " |" for line in lines)


def _plain(cell: str) -> str:
    return " ".join(cell.replace("|", "\\|").split())


def _task(study: StudyReport, task: str) -> str:
    """One table a task: a row a column of the study, four cells a metric."""
    metrics = [metric for metric in study.metrics if metric.task == task]
    has_paper = any(column.cells[m.key].paper is not None for column in study.columns for m in metrics)
    header = [f"{task}", "what"]
    for metric in metrics:
        unit = f" {metric.unit}" if metric.unit else ""
        header += [f"{metric.name}{unit} [95 %] ± sd", f"Δ to {study.reference} [95 %], adjusted p"]
        header += ["paper", "paper Δ"] if has_paper else []
    rows = []
    for column in study.columns:
        row = [column.id, column.label]
        for metric in metrics:
            cells = _cells(metric, column.cells[metric.key])
            row += cells if has_paper else cells[:2]
        rows.append(row)
    is_measured = any(column.cells[m.key].ours for column in study.columns for m in metrics)
    behind = f"{_behind(metrics)} {detectable_words(study, metrics)}" if is_measured else "Not measured yet."
    return f"{table(header, rows)}\n\n{behind.rstrip()}"


def _cells(metric: Metric, cell: Cell) -> list[str]:
    digits, ours, apart = metric.digits, ABSENT, ABSENT
    if cell.ours:
        sd = "" if cell.ours.sd is None else f" ± {number(cell.ours.sd, digits)}"
        ours = f"{number(cell.ours.value, digits)} {span(cell.ours.interval, digits)}{sd}"
    if cell.difference:
        found = cell.difference
        said = f"{signed(found.value, digits)} {signed_span(found.interval, digits)}"
        apart = f"{f'**{said}**' if found.real else said}, p {probability(found.p_adjusted)}"
    return [ours, apart, number(cell.paper, digits), signed(cell.paper_difference, digits)]


def _behind(metrics: list[Metric]) -> str:
    """Name the number of queries and the test."""
    metric = next((metric for metric in metrics if metric.test), metrics[0])
    protocol = registry.protocol(registry.parts(metric.key)[0])
    lower = ", ".join(metric.name for metric in metrics if metric.lower_is_better)
    beside = f" Lower is better: {lower}." if lower else ""
    if protocol.total_of:
        return f"Of both tables above; test: {metric.test}. Bold: real.{beside}"
    if metric.n is None:
        return f"As recorded: without per-item arrays there is no interval and no test.{beside}"
    clusters = f" of {metric.clusters:,} products" if metric.clusters else ""
    return f"{metric.n:,} {protocol.items}{clusters}; test: {metric.test}. Bold: real.{beside}"


def _single_tasks(study: StudyReport) -> str:
    """The patch tasks of Kaleido-BERT, a row a column; empty where no column was trained on any."""
    found = tasks_ended(study)
    if not found:
        return ""
    header = ["column", "what", *(f"{task.name}, {task.unit} ± sd" for task, _ in found)]
    rows = [
        [column.id, column.label, *(_ended(task, ends.get(column.id)) for task, ends in found)]
        for column in study.columns
    ]
    chances = [f"{task.name} {number(task.chance, 1)}" for task, _ in found if task.chance is not None]
    said = "On the dev split; a dash: not trained on it."
    if chances:
        said += f" Chance: {', '.join(chances)}."
    return "\n\n".join(["### Patch tasks at the end of pre-training", table(header, rows), said])


def _ended(task: SingleTask, end: Ended | None) -> str:
    if end is None:
        return ABSENT
    sd = "" if end.sd is None else f" ± {number(end.sd, task.digits)}"
    return f"{number(end.value, task.digits)}{sd}"


def _verdicts(study: StudyReport) -> str:
    lines = [
        f"- {column.id} ({column.label}), {group}: {found.text}"
        for column in study.columns
        for group, found in column.verdicts.items()
    ]
    return "\n".join(["### Verdicts", "", *lines]) if lines else ""


def _open(study: StudyReport) -> str:
    lines = [f"- {column.id}: {said}" for column in study.columns for said in why_open(column.runs)]
    return "\n".join(["### Not there", "", *lines]) if lines else ""


def _costs(study: StudyReport) -> str:
    """Table of costs by column and stage, over the seeds that have run."""
    header = ["column", "stage", "parameters", "FLOPs a pair", "pairs/s", "peak MB", "wall, all seeds"]
    rows = []
    for column in study.columns:
        for stage in dict.fromkeys(run.stage for run in column.runs):
            runs = [run for run in column.runs if run.stage == stage and run.state == "done"]
            if runs:
                rows.append([column.id, stage, *_cost(runs)])
    return table(header, rows) if rows else "Nothing has run."


def _cost(runs: list[StageRun]) -> list[str]:
    speeds = [run.pairs_per_second for run in runs if run.pairs_per_second is not None]
    peaks = [run.peak_mb for run in runs if run.peak_mb is not None]
    return [
        magnitude(runs[0].parameters),
        magnitude(runs[0].flops),
        number(sum(speeds) / len(speeds) if speeds else None, 0),
        number(max(peaks) if peaks else None, 0),
        duration(sum(run.seconds or 0 for run in runs)),
    ]


def _runs(study: StudyReport, folder: Path) -> str:
    rows = [_source(column, run, folder) for column in study.columns for run in column.runs]
    return table(["column", "stage", "seed", "state", "folder", "commit", "data", "versions"], rows)


def _source(column: ColumnReport, run: StageRun, folder: Path) -> list[str]:
    link = relative_link(run.path, folder)
    shown = f"[{unquote(link)}]({link})" if run.state != "missing" else unquote(link)
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    facts = [run.commit or ABSENT, run.data[:16] or ABSENT, versions or ABSENT]
    return [column.id, run.stage, str(run.seed), run.state, shown, *facts]


def _claims(claims: list[Claim]) -> str:
    exceeding = sum(claim.exceeds for claim in claims)
    said = f"{exceeding} of {len(claims)} printed differences exceed their interval; see the notes."
    header = ["study", "column", "metric", "paper Δ", "95 %", "n", "exceeds"]
    rows = [
        [
            *(claim.study, claim.column, claim.metric),
            *(signed(claim.difference, 2), signed_span(claim.interval, 2)),
            *(f"{claim.n:,}", "yes" if claim.exceeds else "no"),
        ]
        for claim in claims
    ]
    return f"{said}\n\n{table(header, rows)}"
