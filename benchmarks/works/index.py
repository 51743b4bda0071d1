"""Index building: every photograph visited once, every caption tokenised once."""

import io
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from benchmarks.catalogue import IMAGE_SIZE, catalogue, data_module, released_folder
from benchmarks.measure import Mark, Plan, Work
from benchmarks.released.items import ReleasedItems, load_crop
from benchmarks.setting import Setting
from benchmarks.works.loader import one_thread
from fashionvl.data.index.catalogue import CatalogueIndex
from fashionvl.data.readers.fashion_gen import FashionGenReader
from fashionvl.data.readers.safe_pickle import load_plain


def build(setting: Setting) -> list[Work]:
    """The index of the training file, with and without resized photographs."""
    tokenizer = data_module(setting, batch_size=4).tokenizer
    items = ReleasedItems(released_folder(setting), tokenizer)
    visited = setting.pick(tiny=10, cpu=300, gpu=300)
    path = catalogue(setting) / "fashiongen_256_256_train.h5"

    def released(mark: Mark) -> int:
        with one_thread():
            for image, info in zip(items.images[:visited], items.infos, strict=False):
                load_crop(image)
                mark("photographs")
                tokenizer(load_plain(info)["captions"])
                mark("captions")
        return visited

    def ours(image_size: int | None) -> Callable[[Mark], int]:
        def run(mark: Mark) -> int:
            # A folder in memory or on disk, wherever temporary files go; the bar of the scan is not shown.
            with tempfile.TemporaryDirectory() as folder, one_thread(), redirect_stdout(io.StringIO()):
                index = CatalogueIndex(FashionGenReader(path), Path(folder), image_size=image_size)
                mark("photographs")
                index.captions(tokenizer)
                mark("captions")
                return len(index)

        return run

    return [
        Work(
            "index building",
            [
                Plan("released", "fp32", released),
                Plan("ours", "fp32", ours(None)),
                Plan("ours, photographs stored", "fp32", ours(IMAGE_SIZE)),
            ],
            item="row",
            bytes=3 * IMAGE_SIZE**2,
            note=f"one core for all; released: the first {visited} rows, each PNG opened and boxed, each "
            "caption tokenised alone, as its loader does in every epoch; ours: the whole training file, once",
        )
    ]
