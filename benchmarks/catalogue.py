"""The catalogue that benchmarks load from, drawn once, in every layout that is compared."""

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
from PIL import Image
from torchdata.stateful_dataloader import StatefulDataLoader

from benchmarks.setting import Setting
from fashionvl.data import FashionGenDataModule
from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.batches.pairing import Pairing
from fashionvl.data.catalogue import SPLITS
from fashionvl.data.readers.fashion_gen import IMAGES, FashionGenReader
from fashionvl.data.readers.mvlt_folder import split_folders
from fashionvl.data.synthetic import synthesize
from fashionvl.files.whole import whole_folder
from fashionvl.masking.image import ImageMask
from fashionvl.masking.text import TextMask

PRODUCTS = {"tiny": 48, "full": 800}
"""At full size about 2,000 photographs, 390 MB as the publisher stores them; drawn in some ten seconds."""

VOCABULARY = 2000
"""Word pieces asked for at most; captions of a few hundred drawn products teach some 500, and BERT's 30,522
cannot be trained on them. What depends on the number (MLM head, released list of the vocabulary) pads it."""

IMAGE_SIZE, TOKENS = 256, 128

PRETRAINING = Corruption(
    image=ImageMask("random_grid", ratio=0.5, alpha=4, patch=4),
    text=TextMask(ratio=0.15),
    pairing=Pairing(positive_share=0.5),
)
"""Corruption of pairs in MVLT's pre-training (sections 3.2 and 4.1)."""

ROWS_AT_ONCE = 64


def compressed_catalogue(setting: Setting) -> Path:
    """The catalogue as `fashionvl data synthesize` writes it: photographs in gzip chunks of one row."""
    folder = setting.scratch / f"compressed-{PRODUCTS[setting.size]}"
    if not folder.exists():
        with whole_folder(folder) as scratch:
            synthesize(scratch, PRODUCTS[setting.size], workers=setting.pick(1, 2, 2), progress=False)
    return folder


def catalogue(setting: Setting) -> Path:
    """The same catalogue with photographs uncompressed and one after the other, 196,608 bytes each."""
    folder = setting.scratch / f"catalogue-{PRODUCTS[setting.size]}"
    if not folder.exists():
        source = compressed_catalogue(setting)
        with whole_folder(folder) as scratch:
            for path in source.glob("fashiongen_*.h5"):
                _uncompress(path, scratch / path.name)
    return folder


def released_folder(setting: Setting) -> Path:
    """The same catalogue in the folder layout of the released MVLT code: a PNG and a pickle for every row.

    Names sort in the order of the HDF5 rows.
    """
    folder = setting.scratch / f"released-{PRODUCTS[setting.size]}"
    if not folder.exists():
        source = catalogue(setting)
        with whole_folder(folder) as scratch:
            for split in SPLITS:
                _write_entries(
                    FashionGenReader(source / f"fashiongen_256_256_{split}.h5"),
                    *split_folders(scratch, split),
                )
    return folder


def data_module(
    setting: Setting, batch_size: int, root: Path | None = None, **options: Any
) -> FashionGenDataModule:
    """A DataModule of the catalogue at the papers' setting: 256 px, 128 tokens.

    Args:
        setting: where the catalogue is and how large.
        batch_size: of training, dev and test steps.
        root: folder of the two files; None: `catalogue`.
        options: any other of the DataModule's.

    Returns:
        Set up, without a trainer.
    """
    asked: dict[str, Any] = {
        "image_size": IMAGE_SIZE,
        "max_tokens": TOKENS,
        "tokenizer": "train",
        "vocabulary": VOCABULARY,
        "test_batch_size": batch_size,
    }
    data = FashionGenDataModule(
        root=str(root or catalogue(setting)), batch_size=batch_size, **{**asked, **options}
    )
    data.prepare_data()
    data.setup()
    return data


def train_loader(data: FashionGenDataModule, corruption: Corruption = PRETRAINING) -> StatefulDataLoader:
    """The DataModule's own training loader, for a task with this corruption."""
    data.attach(SimpleNamespace(corruption=corruption, tests=()))
    return data.train_dataloader()


def _uncompress(source: Path, target: Path) -> None:
    with h5py.File(source) as drawn, h5py.File(target, "w") as plain:
        for name in drawn:
            if name != IMAGES:
                drawn.copy(name, plain)
        images = drawn[IMAGES]
        kept = plain.create_dataset(IMAGES, images.shape, images.dtype)
        for start in range(0, len(images), ROWS_AT_ONCE):
            kept[start : start + ROWS_AT_ONCE] = images[start : start + ROWS_AT_ONCE]


def _write_entries(reader: FashionGenReader, images: Path, infos: Path) -> None:
    images.mkdir()
    infos.mkdir()
    columns = reader.columns()
    ids = {
        field: {name: number for number, name in enumerate(dict.fromkeys(getattr(columns, field)))}
        for field in ("category", "subcategory")
    }
    for row in range(len(reader)):
        name = f"{columns.product_id[row]:09d}_{row:06d}"
        Image.fromarray(np.asarray(reader.image(row))).save(images / f"{name}.png")
        entry = {
            "product_id": str(columns.product_id[row]),
            "img_name": f"{name}.png",
            "super_cls_name": columns.category[row],
            "super_cls_id": ids["category"][columns.category[row]],
            "sub_cls_name": columns.subcategory[row],
            "sub_cls_id": ids["subcategory"][columns.subcategory[row]],
            "captions": columns.caption[row],
        }
        (infos / f"{name}.pkl").write_bytes(pickle.dumps(entry))
