"""Photographs with the captions that a model wrote for them."""

from fashionvl.reporting.canvas import BLUE, INK, QUIET, Canvas, wrap
from fashionvl.reporting.panels import MARGIN, heading
from fashionvl.runs.reading import Arrays

NEEDED = ("images", "reference", "generated")
"""Arrays of `examples/captioning.npz`."""

SIDE, COLUMN, ROW = 180, 720, 215

LINES = 3
"""Lines of each caption; a longer caption ends in an ellipsis."""


def captions_page(examples: Arrays) -> Canvas | None:
    """Each photograph with its true caption and the generated one.

    Args:
        examples: `images [N, H, W, 3]` uint8, `reference [N]` and `generated [N]`.

    Returns:
        None where there is no photograph.
    """
    shown = min(8, len(examples["images"]))
    if not shown:
        return None
    page = Canvas(2 * MARGIN + 2 * COLUMN, 130 + (shown + 1) // 2 * ROW)
    heading(page, "Captions the model wrote", "Of photographs of the test split, after fine-tuning.")
    for number in range(shown):
        x, y = MARGIN + number % 2 * COLUMN, 130 + number // 2 * ROW
        page.photograph(x, y, SIDE, examples["images"][number])
        for top, name, colour in ((12, "generated", INK), (106, "reference", QUIET)):
            page.text(x + SIDE + 26, y + top, name, 13, BLUE if name == "generated" else QUIET, bold=True)
            said = str(examples[name][number]) or "(empty)"
            lines = wrap(said, COLUMN - SIDE - 70, LINES, 13)
            page.paragraph(x + SIDE + 26, y + top + 22, lines, 13, colour)
    return page
