"""The pages of a run's test examples, as pictures to log."""

from collections.abc import Callable, Iterator

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from fashionvl.reporting.canvas import Canvas
from fashionvl.reporting.panels import (
    examples_of,
    generation_page,
    image_to_text_page,
    recognition_page,
    text_to_image_page,
)
from fashionvl.runs.reading import Arrays, Run


def pages(run: Run) -> Iterator[tuple[str, Image.Image]]:
    """`tir`, `itr`, `recognition` and `mig`, as far as the run kept examples.

    Retrieval shows the five answers ranked first, generation the masked, painted and original photographs.

    Raises:
        InputError: an example file is damaged.
    """
    psnr = run.test.get("mig/psnr_masked")
    painted = "Photographs of the test split."
    if psnr is not None:
        painted = f"Mean PSNR over the hidden pixels of the test split: {psnr:.1f} dB."
    painters: dict[str, Callable[[Arrays], Canvas]] = {
        "tir": lambda examples: text_to_image_page(examples, "photographs of the test split"),
        "itr": lambda examples: image_to_text_page(examples, "captions of the test split"),
        "recognition": recognition_page,
        "mig": lambda examples: generation_page(examples, painted),
    }
    for name, paint in painters.items():
        examples = examples_of([run], name)
        if examples is not None:
            yield name, _picture(paint, examples)


def _picture(paint: Callable[[Arrays], Canvas], examples: Arrays) -> Image.Image:
    # A user's matplotlibrc must not change what the pictures look like.
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        canvas = FigureCanvasAgg(paint(examples).figure)
        canvas.draw()
        return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
