"""Both files of a catalogue, opened for one model: rows of each split, tokenizer, labels and sources."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from transformers import PreTrainedTokenizerFast

from fashionvl.data.batches.source import SplitSource, one_frame
from fashionvl.data.catalogue import SPLITS, CatalogueReader, Split, TableRows
from fashionvl.data.index.catalogue import CatalogueIndex
from fashionvl.data.index.opening import open_catalogue
from fashionvl.data.index.splits import carve_dev
from fashionvl.data.index.text import CatalogueText
from fashionvl.data.index.vocabulary import LabelRule, LabelVocabulary
from fashionvl.data.settings import CaptionSettings, PhotographSettings
from fashionvl.data.text.encoding import tokenizer_fingerprint
from fashionvl.data.text.kinds import check_captions, is_made, open_tokenizer
from fashionvl.data.text.loading import load_tokenizer
from fashionvl.data.visual.kaleido import PatchSource

FRAMES_LOOKED_AT = 16
"""Photographs whose size is looked at before all of them are scanned."""


@dataclass(frozen=True)
class OpenedData:
    """A catalogue as one model reads it.

    Attributes:
        indexes: of the two files.
        sources: their photographs, captions and labels as arrays.
        rows: `[R]` of each split; train and dev are of the training file, test is the validation file.
        categories: of the training file.
        subcategories: likewise.
        tokenizer: of the captions.
    """

    indexes: dict[Split, CatalogueIndex]
    sources: dict[Split, SplitSource]
    rows: dict[Literal["train", "dev", "test"], np.ndarray]
    categories: LabelVocabulary
    subcategories: LabelVocabulary
    tokenizer: PreTrainedTokenizerFast

    @property
    def fingerprint(self) -> str:
        """Content hash of both files."""
        return "-".join(self.indexes[split].fingerprint[:16] for split in SPLITS)


def load_asked(captions: CaptionSettings) -> PreTrainedTokenizerFast | None:
    """Load the tokenizer asked for; None where it is to be made of the captions.

    Raises:
        InputError: as `load_tokenizer`.
    """
    return None if is_made(captions.tokenizer) else load_tokenizer(captions.tokenizer)


def open_data(
    readers: dict[Split, CatalogueReader],
    index_dir: Path,
    scanners: int,
    loaded: PreTrainedTokenizerFast | None,
    captions: CaptionSettings,
    photographs: PhotographSettings,
    rule: LabelRule,
    dev: tuple[float, int],
) -> OpenedData:
    """Check both files, and open or build their indexes.

    Args:
        readers: of both files.
        index_dir: folder that holds indexes.
        scanners: processes that scan photographs.
        loaded: the tokenizer, as `load_asked` gives it; None makes it of the captions.
        captions: how they become token ids.
        photographs: how they become a model's input.
        rule: of label names.
        dev: share of the training file's products that are carved off as dev split, and the seed; rows that
            a table keeps together stay so.

    Raises:
        InputError: as `open_catalogue`; no tokenizer can be made of the captions; features are of other data.
    """

    def check(split: Split, text: CatalogueText) -> None:
        if split == "train" and text.captions is not None:
            check_captions(captions.tokenizer, text.captions, captions.vocabulary, captions.min_count)
        if photographs.kaleido is not None:
            photographs.kaleido.open_features(split, text.fingerprint, len(text.product_id))
        elif photographs.resize_on == "device" and not text.indexed:
            _check_frames(readers[split], photographs.image_size)

    # Resized photographs are kept in the same pass that finds the boxes.
    stored, crop = photographs.stored_size, photographs.crop
    opened = open_catalogue(readers, index_dir, scanners, stored, crop, rule, check)
    train = opened.indexes["train"]
    tokenizer = loaded or open_tokenizer(
        captions.tokenizer, train.unique_captions, train.folder, captions.vocabulary, captions.min_count
    )
    together = train.reader.together if isinstance(train.reader, TableRows) else None
    train_rows, dev_rows = carve_dev(train.product_id, *dev, together)
    return OpenedData(
        opened.indexes,
        {
            split: _source(split, index, opened.labels[split], tokenizer, captions, photographs)
            for split, index in opened.indexes.items()
        },
        {"train": train_rows, "dev": dev_rows, "test": np.arange(len(opened.indexes["validation"]))},
        opened.categories,
        opened.subcategories,
        tokenizer,
    )


def _check_frames(reader: CatalogueReader, image_size: int) -> None:
    """Look at some photographs, before all are scanned, for sizes that the device cannot resize from."""
    rows = np.unique(np.linspace(0, len(reader) - 1, FRAMES_LOOKED_AT).astype(int))
    frames = np.array([reader.image(int(row)).shape[1::-1] for row in rows])
    one_frame(reader, rows, frames, image_size)


def _source(
    split: Split,
    index: CatalogueIndex,
    labels: tuple[np.ndarray, np.ndarray],
    tokenizer: PreTrainedTokenizerFast,
    captions: CaptionSettings,
    photographs: PhotographSettings,
) -> SplitSource:
    patches = None
    if photographs.kaleido is not None:
        patches = PatchSource(photographs.kaleido, split, index, tokenizer_fingerprint(tokenizer))
    return SplitSource.open(
        index,
        labels,
        tokenizer,
        photographs.image_size,
        captions.max_tokens,
        photographs.store_images,
        photographs.crop,
        captions.pad_to == "longest",
        patches,
        photographs.resize_on == "device",
    )
