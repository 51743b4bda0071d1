"""The pictures of a comparison, written as PNG files; those without data are said, not drawn."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fashionvl.reporting.axes import own_style
from fashionvl.reporting.canvas import Canvas
from fashionvl.reporting.compare import captions, patches, regions
from fashionvl.reporting.compare.models import Model
from fashionvl.reporting.compare.scores import scores_page
from fashionvl.runs.reading import Arrays


@dataclass(frozen=True)
class Drawn:
    """One picture.

    Attributes:
        file: the PNG.
        title: a few words.
        alt: what it shows.
    """

    file: Path
    title: str
    alt: str


@dataclass(frozen=True)
class Plan:
    """One picture of examples.

    Attributes:
        name: of the PNG.
        title: a few words.
        source: `.npz` in `examples/` of some run.
        needed: arrays it must have.
        optional: arrays it may have.
        paint: None from it: there is nothing to draw.
    """

    name: str
    title: str
    source: str
    needed: tuple[str, ...]
    optional: tuple[str, ...]
    paint: Callable[[Arrays], Canvas | None]


PLANS = (
    Plan("patches", "The patches of one product", "kaleido", patches.NEEDED, (), patches.patches_page),
    Plan(
        "transformed", "The five transformed inputs", "kaleido", patches.NEEDED, patches.DRAWN,
        patches.transformed_page,
    ),
    Plan(
        "saliency", "Foreground masks and boxes", "saliency", ("images",), regions.MASKS,
        regions.saliency_page,
    ),
    Plan("alignment", "Token → region", "alignment", regions.ALIGNED, (), regions.alignment_page),
    Plan("captions", "Captions", "captioning", captions.NEEDED, (), captions.captions_page),
)  # fmt: skip


def draw_pictures(models: list[Model], folder: Path) -> tuple[list[Drawn], dict[str, str]]:
    """Write the scores of all models, and the examples of each that kept some.

    Returns:
        The pictures, and for those left out why.

    Raises:
        InputError: an example file is damaged or lacks an array.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn, missing = [], {}
    with own_style():
        page = scores_page(models)
        if page is not None:
            names = ", ".join(model.name for model in models)
            drawn.append(_save(page, folder / "scores.png", "Recall and accuracy", f"Bars for {names}"))
        for plan in PLANS:
            found = _examples(models, plan)
            painted = plan.paint(found[1]) if found else None
            if found is None or painted is None:
                missing[plan.name] = (
                    f"no run has examples/{plan.source}.npz" if found is None else "it would be empty"
                )
                continue
            alt = f"{plan.title}, of {found[0].name}"
            drawn.append(_save(painted, folder / f"{plan.name}.png", plan.title, alt))
    return drawn, missing


def _examples(models: list[Model], plan: Plan) -> tuple[Model, Arrays] | None:
    for model in models:
        for run in model.runs:
            found = run.arrays(f"examples/{plan.source}", plan.needed, plan.optional)
            if found is not None:
                return model, found
    return None


def _save(page: Canvas, file: Path, title: str, alt: str) -> Drawn:
    page.save(file)
    return Drawn(file, title, alt)
