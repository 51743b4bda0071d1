"""Every picture of a summary, written as PNG files."""

from collections.abc import Iterator
from pathlib import Path

from fashionvl.reporting.axes import own_style
from fashionvl.reporting.canvas import Canvas
from fashionvl.reporting.curves import curves_page
from fashionvl.reporting.overview import overview_page
from fashionvl.reporting.panels import example_pages
from fashionvl.reporting.summary import Summary

PICTURES = ("tir", "itr", "recognition", "mig", "curves", "overview")
"""Names of the pictures, in the order in which they are written."""


def draw_pictures(summary: Summary, folder: Path) -> list[Path]:
    """Write `tir.png`, `itr.png`, `recognition.png`, `mig.png`, `curves.png` and `overview.png`.

    Returns:
        The files written: those whose stage left something to show.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with own_style():
        for name, page in _pages(summary):
            page.save(folder / f"{name}.png")
            written.append(folder / f"{name}.png")
    return written


def _pages(summary: Summary) -> Iterator[tuple[str, Canvas]]:
    words = {
        "tir": _candidates(summary, "tir", "photographs"),
        "itr": _candidates(summary, "itr", "captions"),
        "mig": _reconstruction(summary),
    }
    yield from example_pages(summary.runs, words)
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
