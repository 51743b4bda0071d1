"""The page itself: a template filled from a report."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from fashionvl.reporting.axes import own_style
from fashionvl.reporting.metrics import groups
from fashionvl.reporting.overview import duration
from fashionvl.reporting.page.claims import claim_summary, claim_tables
from fashionvl.reporting.page.views import source_of, view
from fashionvl.reporting.study import formatting
from fashionvl.reporting.study.power import detectable
from fashionvl.reporting.study.records import Difference, Report

HERE = Path(__file__).parent
TEMPLATE, STYLE = "page.html.j2", "page.css"


def write_page(report: Report, file: Path) -> None:
    """Write a report as one HTML file; links to run folders are relative to the file's folder.

    Args:
        report: everything the page shows.
        file: to write; its folder is made when missing.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with own_style():
        studies = [view(study) for study in report.studies]
    page = environment(file.parent).get_template(TEMPLATE)
    file.write_text(
        page.render(
            report=report,
            studies=studies,
            groups=[
                group for group in groups() if any(group == o.group for s in studies for o in s.outcomes)
            ],
            claims=claim_tables(report),
            claim_summary=claim_summary(report),
            style=Markup((HERE / STYLE).read_text(encoding="utf-8")),
        ),
        encoding="utf-8",
    )


def mark(difference: Difference | None) -> str:
    """The class of a difference: `better`, `worse`, or `same` where none was seen."""
    return difference.mark if difference else "same"


def environment(folder: Path) -> Environment:
    """Make the environment of the templates; links are relative to `folder`."""
    made = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    helpers: dict[str, Any] = {
        "number": formatting.number,
        "signed": formatting.signed,
        "span": formatting.span,
        "signed_span": formatting.signed_span,
        "probability": formatting.probability,
        "magnitude": formatting.magnitude,
        "table_name": formatting.table_name,
        "detectable": lambda metric: detectable(metric, with_unit=False),
        "duration": duration,
        "mark": mark,
        "link": lambda path: formatting.relative_link(path, folder),
    }
    made.filters.update(helpers)
    made.globals["source_of"] = source_of
    return made
