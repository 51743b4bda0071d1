"""Kaleido patches: all of them of one product, and the five tasks' inputs beside their originals."""

from itertools import permutations

import numpy as np

from fashionvl.errors import InputError
from fashionvl.reporting.canvas import GREEN, ORANGE, QUIET, Canvas, wrap
from fashionvl.reporting.panels import GREY, MARGIN, heading
from fashionvl.runs.reading import Arrays

NEEDED = ("image", "box", "levels", "patches", "transformed", "caption")
DRAWN = (
    *("rotation", "jigsaw", "camouflage", "grey", "blank"),
    *("predicted_rotation", "predicted_jigsaw", "predicted_camouflage"),
)
"""Arrays of `examples/kaleido.npz`: those there always are, and those of tasks that may be off."""

SIDE, BETWEEN, SEAM = 230, 26, 3
"""Pixels: of a whole level, between two of them, and between its patches."""

PRODUCTS = 2
"""Shown of the transformed inputs."""

TITLES = {
    "rotation": ("Rotation", 1),
    "jigsaw": ("Jigsaw", 2),
    "camouflage": ("Camouflage", 3),
    "grey": ("Grey to colour", 4),
    "blank": ("Blank to colour", 5),
}
"""By array: name of the task, and its level (Kaleido-BERT section 3.5)."""


def patches_page(examples: Arrays) -> Canvas:
    """The photograph with its foreground box, and its patches level by level.

    Args:
        examples: `image [N, H, W, 3]` uint8, `box [N, 4]` pixels x0, y0, x1, y1, `levels [L]`,
            `patches [N, P, S, S, 3]` uint8, `caption [N]`.

    Raises:
        InputError: levels and patches do not fit each other.
    """
    levels = levels_of(examples)
    page = Canvas(2 * MARGIN + (1 + len(levels)) * (SIDE + BETWEEN) - BETWEEN, 460)
    patches = sum(len(where) for where in levels.values())
    heading(
        page,
        f"The {patches} patches of one product",
        "Level k splits the foreground box into k rows of k patches.",
    )
    y = 150
    page.text(MARGIN, y - 20, "foreground box", 14, bold=True)
    framed(page, MARGIN, y, SIDE, examples["image"][0], examples["box"][0], ORANGE)
    for column, (level, where) in enumerate(levels.items(), start=1):
        x = MARGIN + column * (SIDE + BETWEEN)
        word = "patch" if level == 1 else "patches"
        page.text(x, y - 20, f"level {level}: {level * level} {word}", 14, bold=True)
        mosaic(page, x, y, SIDE, examples["patches"][0][where])
    page.paragraph(
        MARGIN, y + SIDE + 34, wrap(str(examples["caption"][0]), page.width - 2 * MARGIN, 2), 14, QUIET
    )
    return page


def transformed_page(examples: Arrays) -> Canvas | None:
    """Draw the five tasks: original above, the model's input below, answer and prediction in words.

    Args:
        examples: as of `patches_page`, with `transformed` as `patches`, blanked ones zero, and of each task
            that is on: `rotation [N]` quarter turns, `jigsaw [N]` number of the order, `camouflage [N]` the
            foreign patch, `grey [N, 2]`, `blank [N, 3]`, and `predicted_*` of the first three.

    Returns:
        None where no task is on.

    Raises:
        InputError: levels and patches do not fit each other.
    """
    levels = levels_of(examples)
    tasks = [name for name, (_, level) in TITLES.items() if name in examples and level in levels]
    if not tasks:
        return None
    shown, block = min(PRODUCTS, len(examples["image"])), 2 * (SIDE + 16) + 100
    page = Canvas(2 * MARGIN + 90 + len(tasks) * (SIDE + BETWEEN) - BETWEEN, 160 + shown * block)
    heading(
        page,
        "What the patch tasks ask",
        "Outlined: the patches a task is about. Below: truth, and the model's answer.",
    )
    for product in range(shown):
        y = 160 + product * block
        page.rule(MARGIN, y - 32, page.width - 2 * MARGIN)
        page.text(MARGIN, y + SIDE / 2, "original", 14, bold=True)
        page.text(MARGIN, y + SIDE + 16 + SIDE / 2, "the model", 14, bold=True)
        page.text(MARGIN, y + SIDE + 16 + SIDE / 2 + 20, "sees", 14, bold=True)
        for column, name in enumerate(tasks):
            x = MARGIN + 90 + column * (SIDE + BETWEEN)
            if product == 0:
                page.text(x, y - 14, TITLES[name][0], 15, bold=True)
            _task(page, x, y, examples, name, levels[TITLES[name][1]], product)
    return page


def levels_of(examples: Arrays) -> dict[int, np.ndarray]:
    """Positions of each level's patches in the sequence.

    Raises:
        InputError: there are not as many patches as the levels have.
    """
    starts, found = 0, {}
    for level in examples["levels"].tolist():
        found[level] = np.arange(starts, starts + level * level)
        starts += level * level
    if starts != examples["patches"].shape[1]:
        raise InputError(
            f"examples/kaleido.npz: {examples['patches'].shape[1]} patches, but levels "
            f"{examples['levels'].tolist()} have {starts}; test the stage again"
        )
    return found


def framed(
    page: Canvas, x: float, y: float, side: int, photograph: np.ndarray, box: np.ndarray, colour: str
) -> None:
    """A photograph in a square of `side` pixels, and a box in the photograph's pixels drawn over it."""
    page.photograph(x, y, side, photograph)
    height, width = photograph.shape[:2]
    x0, y0, x1, y1 = (float(end) for end in box)
    page.outline(
        x + x0 * side / width, y + y0 * side / height, (x1 - x0) * side / width, (y1 - y0) * side / height,
        colour, 2.5,
    )  # fmt: skip


def mosaic(
    page: Canvas, x: float, y: float, side: float, patches: np.ndarray, told: list[int] | None = None
) -> None:
    """The `k * k` patches of a level in their places; `told` ones are outlined."""
    k = int(np.sqrt(len(patches)))
    each = int((side - (k - 1) * SEAM) / k)
    for number, patch in enumerate(patches):
        left, top = x + number % k * (each + SEAM), y + number // k * (each + SEAM)
        # A blanked patch is zero, and drawn as hidden pixels are everywhere.
        page.photograph(left, top, each, patch if patch.any() else np.full_like(patch, GREY))
        if number in (told or []):
            page.outline(left + 1, top + 1, each - 2, each - 2, ORANGE, 3)


def _task(
    page: Canvas, x: float, y: float, examples: Arrays, name: str, where: np.ndarray, product: int
) -> None:
    truth = examples[name][product]
    told = np.atleast_1d(truth).tolist() if name in ("camouflage", "grey", "blank") else []
    mosaic(page, x, y, SIDE, examples["patches"][product][where], told)
    mosaic(page, x, y + SIDE + 16, SIDE, examples["transformed"][product][where], told)
    answer = examples.get(f"predicted_{name}")
    below = y + 2 * SIDE + 16 + 22
    page.text(x, below, _said(name, truth), 13)
    if answer is not None:
        right = int(answer[product]) == int(truth)
        page.text(
            x, below + 20, f"{'✓' if right else '✗'} answer: {_said(name, answer[product])}", 13,
            GREEN if right else ORANGE, bold=True,
        )  # fmt: skip


def _said(name: str, truth: np.ndarray) -> str:
    if name == "rotation":
        return f"turned by {90 * int(truth)}°"
    if name == "jigsaw":
        order = list(permutations(range(4)))[int(truth)]
        return f"order {', '.join(str(place + 1) for place in order)}"
    if name == "camouflage":
        return f"patch {int(truth) + 1} is another's"
    numbers = ", ".join(str(place + 1) for place in sorted(np.atleast_1d(truth).tolist()))
    return f"patches {numbers} to be coloured"
