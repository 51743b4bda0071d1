"""The pages of a run's test examples, as pictures to log."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from fashionvl.reporting.axes import own_style
from fashionvl.reporting.canvas import Canvas
from fashionvl.reporting.panels import example_pages
from fashionvl.runs.reading import Run


def pages(run: Run) -> list[tuple[str, Image.Image]]:
    """`tir`, `itr`, `recognition` and `mig`, as far as the run kept examples.

    Retrieval shows the five answers ranked first, generation the masked, painted and original photographs.

    Raises:
        InputError: an example file is damaged.
    """
    psnr = run.test.get("mig/psnr_masked")
    painted = "Photographs of the test split."
    if psnr is not None:
        painted = f"Mean PSNR over the hidden pixels of the test split: {psnr:.1f} dB."
    words = {
        "tir": "photographs of the test split",
        "itr": "captions of the test split",
        "mig": painted,
    }
    with own_style():
        return [(name, _picture(page)) for name, page in example_pages([run], words)]


def _picture(page: Canvas) -> Image.Image:
    canvas = FigureCanvasAgg(page.figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
