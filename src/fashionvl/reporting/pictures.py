"""Every picture of a summary, written as PNG files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib

from fashionvl.reporting.canvas import Canvas
from fashionvl.reporting.curves import curves_page
from fashionvl.reporting.overview import overview_page
from fashionvl.reporting.panels import (
    examples_of,
    generation_page,
    image_to_text_page,
    recognition_page,
    text_to_image_page,
)
from fashionvl.reporting.summary import Summary
from fashionvl.runs.reading import Arrays

PICTURES = ("tir", "itr", "recognition", "mig", "curves", "overview")
"""Names of the pictures, in the order in which they are written."""


def draw_pictures(summary: Summary, folder: Path) -> list[Path]:
    """Write `tir.png`, `itr.png`, `recognition.png`, `mig.png`, `curves.png` and `overview.png`.

    Returns:
        The files written: those whose stage left something to show.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    # A user's matplotlibrc must not change what the pictures look like.
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        for name, page in _pages(summary):
            page.save(folder / f"{name}.png")
            written.append(folder / f"{name}.png")
    return written


def _pages(summary: Summary) -> Iterator[tuple[str, Canvas]]:
    painters: dict[str, Callable[[Arrays], Canvas]] = {
        "tir": lambda examples: text_to_image_page(examples, _candidates(summary, "tir", "photographs")),
        "itr": lambda examples: image_to_text_page(examples, _candidates(summary, "itr", "captions")),
        "recognition": recognition_page,
        "mig": lambda examples: generation_page(examples, _reconstruction(summary)),
    }
    for name, paint in painters.items():
        examples = examples_of(summary.runs, name)
        if examples is not None:
            yield name, paint(examples)
    curves = curves_page(summary.runs)
    if curves is not None:
        yield "curves", curves
    yield "overview", overview_page(summary)


def _candidates(summary: Summary, name: str, what: str) -> str:
    protocol = summary.protocols.get(name)
    if protocol is None or protocol.candidates is None:
        return what
    hard = f"{protocol.same_subcategory:.0f} % of the negatives from the query's own sub-category"
    return f"{protocol.candidates} {what} ({hard})"


def _reconstruction(summary: Summary) -> str:
    protocol = summary.protocols.get("mig")
    if protocol is None:
        return "Photographs of the test split."
    value = protocol.scores["psnr_masked"]
    return (
        f"Mean PSNR over the hidden pixels of {protocol.n:,} photographs: {value.value:.1f} dB; "
        f"filled with the mean colour of the visible ones: {value.baseline:.1f} dB."
    )
