"""Opening a catalogue: everything about its files is checked before the first photograph is looked at."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fashionvl.data.catalogue import CatalogueReader, Split
from fashionvl.data.index.catalogue import CatalogueIndex
from fashionvl.data.index.splits import check_disjoint
from fashionvl.data.index.text import CatalogueText
from fashionvl.data.index.vocabulary import LabelRule, LabelVocabulary
from fashionvl.errors import InputError


@dataclass(frozen=True)
class OpenedCatalogue:
    """The two files of a catalogue.

    Attributes:
        indexes: by split.
        categories: of the training file.
        subcategories: likewise.
        labels: category and sub-category ids `[N]` of every row, by split.
    """

    indexes: dict[Split, CatalogueIndex]
    categories: LabelVocabulary
    subcategories: LabelVocabulary
    labels: dict[Split, tuple[np.ndarray, np.ndarray]]


def open_catalogue(
    readers: dict[Split, CatalogueReader],
    root: Path,
    workers: int,
    image_size: int | None,
    crop: bool,
    rule: LabelRule,
    check: Callable[[Split, CatalogueText], None],
) -> OpenedCatalogue:
    """Open both files, and build the indexes that are missing.

    Args:
        readers: of both files.
        root: folder that holds indexes.
        workers: as `CatalogueIndex`, like `image_size` and `crop`.
        image_size: of stored photographs; None stores none.
        crop: of stored photographs.
        rule: of label names.
        check: further checks of a file's text, before a photograph is scanned.

    Raises:
        InputError: the files share a product, a label is not known, `check` found something, or the disk
            has no room or is read-only. Nothing has been scanned then.
    """
    texts = {split: CatalogueText.open(reader, root) for split, reader in readers.items()}
    train, test = texts["train"], texts["validation"]
    check_disjoint(train.product_id, test.product_id, (str(train.source), str(test.source)))
    categories, subcategories = (
        LabelVocabulary.of_training(train.labels(field), rule) for field in ("category", "subcategory")
    )
    labels = {
        split: (categories.ids(text.labels("category")), subcategories.ids(text.labels("subcategory")))
        for split, text in texts.items()
    }
    for split, text in texts.items():
        check(split, text)
    _check_room(root, [text for text in texts.values() if not text.indexed], image_size)
    indexes = {
        split: CatalogueIndex(reader, root, workers, image_size, crop, texts[split])
        for split, reader in readers.items()
    }
    return OpenedCatalogue(indexes, categories, subcategories, labels)


def _check_room(root: Path, missing: list[CatalogueText], image_size: int | None) -> None:
    """Refuse a folder for new indexes that is read-only or lacks the room for stored photographs."""
    if not missing:
        return
    existing = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
    if not os.access(existing, os.W_OK):
        raise InputError(
            f"{existing}: read-only, so that no index can be kept there; set data.init_args.index_dir to a "
            "folder that can be written"
        )
    needed = sum(len(text.product_id) for text in missing) * 3 * (image_size or 0) ** 2
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise InputError(
            f"{root}: stored photographs of {image_size} pixels take {needed / 1e9:.1f} GB, but "
            f"{free / 1e9:.1f} GB are free; set data.init_args.index_dir to another disk, or "
            "data.init_args.store_images to false"
        )
