"""`fashionvl report STUDY...`."""

import json
from pathlib import Path

from rich.console import Console

from fashionvl.commands.study_options import study_parser
from fashionvl.errors import InputError
from fashionvl.files.ours import Ours
from fashionvl.reporting.study.claims import claims
from fashionvl.reporting.study.comparison import compare
from fashionvl.reporting.study.gather import Gathered, check_together, gather
from fashionvl.reporting.study.markdown import report_markdown
from fashionvl.reporting.study.notes import notes
from fashionvl.reporting.study.plain_data import report_json
from fashionvl.reporting.study.records import Report
from fashionvl.reporting.study.text import study_text
from fashionvl.runs.bundle import open_runs
from fashionvl.studies.study import read_study

WRITTEN = ("report.html", "report.md", "report.json", "report.png")


def main(arguments: list[str]) -> None:
    """Parse the command line and report."""
    parser = study_parser("report", "Put the runs of some studies beside each other and beside the paper.")
    parser.add_argument("--out", type=Path, help="folder to write; default: RUNS/reports/STUDIES")
    parser.add_argument("--title", help="of the report; default: the studies'")
    parser.add_argument("--complete", action="store_true", help="fail, after writing, on gaps")
    given = parser.parse_args(arguments)
    runs = given.runs or Path("runs") / given.scale
    # In the order asked for, each once.
    studies = {study.name: study for study in (read_study(name, given.folder) for name in given.studies)}
    files = open_runs(runs)
    gathered = [gather(study, runs, given.scale, given.seeds, files) for study in studies.values()]
    beside = runs.parent if runs.is_file() else runs
    out = given.out or beside / "reports" / "+".join(studies)
    built = report(gathered, out, given.title)
    if given.complete:
        check_complete(built)


def check_complete(built: Report) -> None:
    """Refuse a report with gaps, so that make does not call it done.

    Raises:
        InputError: naming the columns and what became of them.
    """
    gaps = [
        f"{study.name}/{column.id} {column.state}"
        for study in built.studies
        for column in study.columns
        if column.state != "done"
    ]
    if gaps:
        raise InputError(f"the report has gaps: {', '.join(gaps)}; make the same target again to fill them")


def report(gathered: list[Gathered], out: Path, title: str | None = None) -> Report:
    """Compute and write `report.md`, `.html`, `.json` and `.png`, and print the tables.

    Raises:
        InputError: runs differ in scale, data, candidates or queries, a file of a run is unusable, or a file
            would be replaced that this command did not write.
    """
    built = build(gathered, title)
    ours = Ours(out, WRITTEN)
    console = Console()
    for study in built.studies:
        console.print(study_text(study, console.width))
    if all(
        run.state == "missing" for study in built.studies for column in study.columns for run in column.runs
    ):
        console.print(f"nothing has run yet under {gathered[0].root}: the report shows what is missing")
    # Imported late: the page needs its own libraries, which a refusal above should not wait for.
    from fashionvl.reporting.page import write_page, write_poster

    ours.begin()
    # A picture of earlier runs would stay where there is nothing to draw.
    (out / "report.png").unlink(missing_ok=True)
    write_page(built, out / "report.html")
    (out / "report.md").write_text(report_markdown(built, out), encoding="utf-8")
    (out / "report.json").write_text(json.dumps(report_json(built, out), indent=1) + "\n", encoding="utf-8")
    write_poster(built, out / "report.png")
    ours.remember()
    for name in WRITTEN:
        if (out / name).exists():
            console.print(str(out / name), style="dim", highlight=False, soft_wrap=True)
    return built


def build(gathered: list[Gathered], title: str | None = None) -> Report:
    """Build the content of the report from gathered studies."""
    data = check_together(gathered)
    studies = [compare(found) for found in gathered]
    claimed = [claim for found in gathered for claim in claims(found.study)]
    measured = any(
        cell.ours for study in studies for column in study.columns for cell in column.cells.values()
    )
    titles = ", ".join(study.title for study in studies)
    return Report(
        title=title or titles,
        scale=gathered[0].scale,
        data=data,
        studies=studies,
        claims=claimed,
        notes=notes(studies, claimed, measured),
    )
