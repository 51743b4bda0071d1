"""Whole models beside each other, as one HTML page."""

from itertools import groupby
from pathlib import Path

from markupsafe import Markup

from fashionvl.reporting.compare.lines import lines
from fashionvl.reporting.compare.models import Model
from fashionvl.reporting.compare.pairing import Pairing
from fashionvl.reporting.compare.pictures import Drawn
from fashionvl.reporting.compare.text import BESIDE, counts_of, title_of
from fashionvl.reporting.page.drawing import png_picture
from fashionvl.reporting.page.page import HERE, STYLE, environment

TEMPLATE = "compared.html.j2"


def write_comparison(
    models: list[Model], pairing: Pairing, noted: list[str], drawn: list[Drawn], file: Path
) -> None:
    """Write the comparison as one HTML file; links to run folders are relative to the file's folder.

    Args:
        models: compared.
        pairing: of them.
        noted: what a reader must know, in sentences.
        drawn: pictures, which the page holds within itself.
        file: to write, in a folder that there is.
    """
    told = [(group, list(found)) for group, found in groupby(lines(models, pairing), lambda one: one.group)]
    page = environment(file.parent).get_template(TEMPLATE)
    file.write_text(
        page.render(
            title=title_of(models),
            models=models,
            pairing=pairing,
            groups=told,
            beside=BESIDE,
            counts=counts_of(models),
            notes=noted,
            pictures=[png_picture(one.file, one.title, one.alt) for one in drawn],
            style=Markup((HERE / STYLE).read_text(encoding="utf-8")),
        ),
        encoding="utf-8",
    )
