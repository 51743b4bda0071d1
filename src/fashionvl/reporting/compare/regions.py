"""Pictures of regions: masks of the foreground, and tokens drawn to the regions they name."""

import numpy as np

from fashionvl.reporting.canvas import BLUE, GREEN, ORANGE, QUIET, Canvas, text_width, wrap
from fashionvl.reporting.compare.patches import framed
from fashionvl.reporting.panels import GREY, MARGIN, heading
from fashionvl.runs.reading import Arrays

METHODS = {"truth": "truth", "unet": "network", "threshold": "threshold", "grabcut": "GrabCut"}
"""Masks of `examples/saliency.npz` in the order drawn."""

MASKS = tuple(f"{method}{kind}" for method in METHODS for kind in ("", "_box"))

ALIGNED = ("images", "captions", "words", "regions")
"""Arrays of `examples/alignment.npz`."""

SIDE, BETWEEN = 200, 24

PRODUCTS = 4

WASH = 0.75
"""Share of the background's colour that is taken away."""

WORDS = 7
"""Drawn of one photograph; more would not be told apart."""

PALETTE = (BLUE, ORANGE, GREEN, "#a3457f", "#8a6100", "#3b6ea8", "#6b3fb5")
"""Dark enough for white letters."""


def saliency_page(examples: Arrays) -> Canvas:
    """Photographs, and the foreground and box that each method finds in them.

    Args:
        examples: `images [N, H, W, 3]` uint8; of each of `METHODS` that is there, `METHOD [N, H, W]` bool and
            `METHOD_box [N, 4]` pixels.
    """
    methods = [method for method in METHODS if method in examples]
    shown = min(PRODUCTS, len(examples["images"]))
    page = Canvas(
        2 * MARGIN + (1 + len(methods)) * (SIDE + BETWEEN) - BETWEEN, 150 + shown * (SIDE + 18) + 20
    )
    heading(
        page, "Foreground of a product", "Background washed out; outlined: the box that patches are cut from."
    )
    for column, title in enumerate(["photograph", *(METHODS[method] for method in methods)]):
        page.text(MARGIN + column * (SIDE + BETWEEN), 128, title, 14, bold=True)
    for product in range(shown):
        y, photograph = 150 + product * (SIDE + 18), examples["images"][product]
        page.photograph(MARGIN, y, SIDE, photograph)
        for column, method in enumerate(methods, start=1):
            kept = cut_out(photograph, examples[method][product].astype(bool))
            framed(
                page,
                MARGIN + column * (SIDE + BETWEEN),
                y,
                SIDE,
                kept,
                examples[f"{method}_box"][product],
                ORANGE,
            )
    return page


def cut_out(photograph: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`[H, W, 3]` uint8 with everything outside a mask `[H, W]` bool turned towards grey."""
    washed = (1 - WASH) * photograph + WASH * GREY
    return np.where(mask[..., None], photograph, washed.astype(np.uint8))


def alignment_page(examples: Arrays) -> Canvas | None:
    """Photographs with the regions that words of their captions are aligned to.

    Args:
        examples: `images [N, H, W, 3]` uint8, `captions [N]`, `words [N, K]`, empty where there are fewer,
            `regions [N, K, 4]` fractions of the frame: x0, y0, x1, y1.

    Returns:
        None where no word is aligned.
    """
    rich = [number for number, words in enumerate(examples["words"]) if any(words)][:PRODUCTS]
    if not rich:
        return None
    side, block, width = 330, 400, 700
    page = Canvas(2 * MARGIN + 2 * width, 130 + -(-len(rich) // 2) * block + 10)
    heading(
        page, "Words and the regions they are aligned to",
        "Tokens that the captioner and the caption share, and where the captioner looked as it said them.",
    )  # fmt: skip
    for place, product in enumerate(rich):
        x, y = MARGIN + place % 2 * width, 130 + place // 2 * block
        _aligned(page, x, y, side, examples, product)
    return page


def _aligned(page: Canvas, x: float, y: float, side: int, examples: Arrays, product: int) -> None:
    page.photograph(x, y, side, examples["images"][product])
    words = [
        (str(word), where)
        for word, where in zip(examples["words"][product], examples["regions"][product], strict=True)
        if word
    ]
    told = words[:WORDS]
    caption = wrap(str(examples["captions"][product]), 290, 4, 13)
    page.paragraph(x + side + 60, y + 12, caption, 13, QUIET)
    # Words in the order of their regions from top to bottom, so that lines cross little.
    told = sorted(told, key=lambda one: float(one[1][1] + one[1][3]))
    for number, (word, region) in enumerate(told):
        colour = PALETTE[number % len(PALETTE)]
        left, top, right, bottom = (float(end) * side for end in region)
        # Seen on a garment of the same colour, too.
        page.outline(x + left, y + top, right - left, bottom - top, "#ffffff", 5)
        page.outline(x + left, y + top, right - left, bottom - top, colour, 2.5)
        line = y + 116 + number * 32
        page.line(x + right, y + (top + bottom) / 2, x + side + 52, line, colour, 1.5)
        page.box(x + side + 52, line - 13, text_width(word, 15, bold=True) + 18, 26, colour, 5)
        page.text(x + side + 61, line, word, 15, "#ffffff", bold=True)
    if len(words) > len(told):
        page.text(x + side + 60, y + 116 + len(told) * 32, f"and {len(words) - len(told)} more", 13, QUIET)
