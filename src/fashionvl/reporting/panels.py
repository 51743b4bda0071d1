"""Test examples as pages in the style of MVLT's Figs. 5 (retrieval), 6 (recognition) and 7 (generation)."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from fashionvl.reporting.canvas import (
    BLUE,
    GREEN,
    GREEN_WASH,
    HAIRLINE,
    INK,
    LEADING,
    QUIET,
    Canvas,
    shorten,
    wrap,
)
from fashionvl.runs.reading import Arrays, Run

MARGIN = 50
QUERIES_SHOWN = 6
BOTH = "photograph and caption"

RANKED = ("captions", "images", "probabilities", "matched")
EXAMPLES = {
    "tir": RANKED,
    "itr": RANKED,
    "recognition": (
        *("images", "captions", "m_cr_names", "m_cr_probabilities", "m_cr_target"),
        *("s_cr_names", "s_cr_probabilities", "s_cr_target"),
    ),
    "mig": ("masked", "reconstructed", "original", "hidden"),
}
"""The arrays each page is drawn from, in `examples/NAME.npz`."""

GREY = 184
"""Hidden pixels are drawn grey, as in Fig. 7."""


def examples_of(runs: list[Run], name: str) -> Arrays | None:
    """`tir`, `itr`, `recognition` or `mig` examples of the first run that kept some."""
    return next((found for run in runs if (found := run.arrays(f"examples/{name}", EXAMPLES[name]))), None)


def example_pages(runs: list[Run], words: dict[str, str]) -> Iterator[tuple[str, Canvas]]:
    """The pages of the test examples that runs kept, by the names of `EXAMPLES`.

    Args:
        runs: of one experiment.
        words: what was ranked (`tir`, `itr`), and how well hidden parts were painted (`mig`).
    """
    painters: dict[str, Callable[[Arrays], Canvas]] = {
        "tir": lambda examples: text_to_image_page(examples, words["tir"]),
        "itr": lambda examples: image_to_text_page(examples, words["itr"]),
        "recognition": lambda examples: recognition_page(examples, _recognised_from(runs)),
        "mig": lambda examples: generation_page(examples, words["mig"]),
    }
    for name, paint in painters.items():
        examples = examples_of(runs, name)
        if examples is not None:
            yield name, paint(examples)


def heading(page: Canvas, title: str, subtitle: str) -> None:
    """Draw a page's title and the line on how to read it."""
    page.text(MARGIN, 50, title, 25, bold=True)
    page.text(MARGIN, 86, subtitle, 14, QUIET)


def text_to_image_page(examples: Arrays, candidates: str) -> Canvas:
    """Fig. 5, upper half: captions with the five photographs ranked first.

    Args:
        examples: `captions [n, 1]`, `images [n, 5, H, W, 3]`, `probabilities [n, 5]`, `matched [n, 5]`.
        candidates: what was ranked, in words.
    """
    shown = min(QUERIES_SHOWN, len(examples["captions"]))
    page = Canvas(1400, 130 + shown * 250)
    heading(
        page,
        "Text → image retrieval: the five photographs ranked first",
        f"Zero-shot, among {candidates}. Bars: probability of a match. Green: the text's own photograph.",
    )
    for query in range(shown):
        y = 140 + query * 250
        page.rule(MARGIN, y - 18, page.width - 2 * MARGIN)
        page.paragraph(MARGIN, y + 22, wrap(str(examples["captions"][query, 0]), 330, 7))
        if not examples["matched"][query].any():
            page.text(MARGIN, y + 180, "its photograph is not among the five", 13, QUIET)
        photograph_row(page, MARGIN + 378, y, 170, 18, examples, query)
    return page


def photograph_row(
    page: Canvas, x: float, y: float, side: int, gap: float, examples: Arrays, query: int, shown: int = 5
) -> None:
    """The photographs ranked first for one caption, their probabilities below."""
    found = zip(
        examples["images"][query], examples["probabilities"][query], examples["matched"][query], strict=True
    )
    for pixels, probability, matched in list(found)[:shown]:
        page.photograph(x, y, side, pixels, GREEN if matched else HAIRLINE)
        below = y + side + 22
        page.meter(x, below, side - 46, float(probability), GREEN if matched else BLUE)
        page.text(
            x + side, below, percent(probability), 13, GREEN if matched else INK, bool(matched), "right"
        )
        if matched:
            page.text(x, below + 20, "✓ matched", 13, GREEN, bold=True)
        x += side + gap


def image_to_text_page(examples: Arrays, candidates: str) -> Canvas:
    """Fig. 5, lower half: photographs with the five captions ranked first.

    Args:
        examples: `images [n, 1, H, W, 3]`, `captions [n, 5]`, `probabilities [n, 5]`, `matched [n, 5]`.
        candidates: what was ranked, in words.
    """
    shown = min(QUERIES_SHOWN, len(examples["captions"]))
    page = Canvas(1400, 130 + shown * 270)
    heading(
        page,
        "Image → text retrieval: the five captions ranked first",
        f"Zero-shot, among {candidates}. Bars: probability of a match. Green: the photograph's own caption.",
    )
    for query in range(shown):
        y = 140 + query * 270
        page.rule(MARGIN, y - 18, page.width - 2 * MARGIN)
        page.photograph(MARGIN, y, 204, examples["images"][query, 0])
        if not examples["matched"][query].any():
            page.text(MARGIN, y + 224, "its caption is not among the five", 13, QUIET)
        for rank in range(examples["captions"].shape[1]):
            answer = (examples[key][query, rank] for key in ("captions", "probabilities", "matched"))
            _caption_line(page, MARGIN + 240, y + 20 + rank * 46, *answer)
    return page


def _caption_line(page: Canvas, x: float, y: float, caption: str, probability: float, matched: bool) -> None:
    colour = GREEN if matched else BLUE
    if matched:
        page.box(x, y - 20, page.width - MARGIN - x, 40, GREEN_WASH, 6)
    page.meter(x + 10, y, 80, float(probability), colour)
    share = ("✓ " if matched else "") + percent(probability)
    page.text(x + 160, y, share, 13, GREEN if matched else INK, bool(matched), "right")
    lines = wrap(str(caption), page.width - MARGIN - x - 200, 2, 13)
    page.paragraph(x + 185, y - (len(lines) - 1) * LEADING * 13 / 2, lines, 13)


def _recognised_from(runs: list[Run]) -> str:
    """Say what the examples of recognition were recognised from: the first input that a run was tested on."""
    tested = {key.partition("/")[0] for run in runs for key in run.test}
    alone = {"image": "the photograph alone", "text": "the caption alone"}
    found = [said for source, said in alone.items() if {f"m_cr_{source}", f"s_cr_{source}"} & tested]
    return BOTH if {"m_cr", "s_cr"} & tested or not found else found[0]


def recognition_page(examples: Arrays, source: str = BOTH) -> Canvas:
    """Fig. 6: photograph, caption and the likeliest names of both labels.

    Args:
        examples: `images [n, H, W, 3]`, `captions [n]`, and for `m_cr` and `s_cr` each `_names [n, 5]`,
            `_probabilities [n, 5]`, `_target [n]`.
        source: what was read, in words.
    """
    shown = min(8, len(examples["captions"]))
    page = Canvas(1500, 130 + (shown + 1) // 2 * 290)
    heading(
        page,
        "Recognition: the likeliest main categories and sub-categories",
        f"From {source}, after fine-tuning. Bars: predicted probability. Green: the true name.",
    )
    for example in range(shown):
        x, y = MARGIN + example % 2 * 725, 140 + example // 2 * 290
        if example % 2 == 0:
            page.rule(MARGIN, y - 18, page.width - 2 * MARGIN)
        page.photograph(x, y + 4, 212, examples["images"][example])
        page.paragraph(x + 240, y + 12, wrap(str(examples["captions"][example]), 430, 3, 13), 13, QUIET)
        for column, (key, label) in enumerate((("m_cr", "main category"), ("s_cr", "sub-category"))):
            names, shares = examples[f"{key}_names"][example], examples[f"{key}_probabilities"][example]
            page.text(x + 240 + column * 230, y + 78, label, 13, bold=True)
            _name_list(
                page, x + 240 + column * 230, y + 104, names, shares, str(examples[f"{key}_target"][example])
            )
    return page


def _name_list(
    page: Canvas, x: float, y: float, names: Sequence[str], shares: np.ndarray, target: str
) -> None:
    for name, share in zip(names, shares, strict=True):
        hit = str(name) == target
        colour = GREEN if hit else BLUE
        label = shorten(("✓ " if hit else "") + str(name), 140, 11)
        page.text(x, y, label, 11, GREEN if hit else INK, hit)
        page.text(x + 200, y, percent(share), 11, GREEN if hit else QUIET, hit, "right")
        page.meter(x, y + 12, 200, float(share), colour)
        y += 30
    if target not in [str(name) for name in names]:
        page.text(x, y - 2, shorten(f"true: {target}", 200, 11), 11, GREEN)


def generation_page(examples: Arrays, subtitle: str) -> Canvas:
    """Fig. 7: photographs masked, reconstructed and as they were.

    Args:
        examples: `masked`, `reconstructed` and `original`, each `[n, H, W, 3]` uint8; `hidden`, `[n, H, W]`
            bool.
        subtitle: how well it went, in words.
    """
    shown = min(8, len(examples["original"]))
    page = Canvas(2 * MARGIN + 140 + shown * 170, 130 + 3 * 170 + 30)
    heading(page, "Masked image generation: what the model paints into the hidden parts", subtitle)
    generation_grid(page, MARGIN, 130, 140, 158, 12, examples, shown)
    return page


def generation_grid(
    page: Canvas, x: float, y: float, label_width: float, side: int, gap: float, examples: Arrays, shown: int
) -> None:
    """Three labelled rows of `shown` photographs."""
    for row, name in enumerate(("masked", "reconstructed", "original")):
        top = y + row * (side + gap)
        page.text(x, top + side / 2, name, 14, bold=True)
        pictures = greyed(examples["masked"], examples["hidden"]) if name == "masked" else examples[name]
        for column in range(min(shown, len(pictures))):
            page.photograph(x + label_width + column * (side + gap), top, side, pictures[column])


def greyed(photographs: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """`[n, H, W, 3]` photographs with the `[n, H, W]` hidden pixels in grey."""
    return np.where(hidden[..., None], np.uint8(GREY), photographs)


def percent(probability: float) -> str:
    """Format a probability of [0, 1] as a percentage, without claiming certainty."""
    if 0.995 <= probability < 1:
        return ">99 %"
    return "<1 %" if 0 < probability < 0.005 else f"{100 * probability:.0f} %"
