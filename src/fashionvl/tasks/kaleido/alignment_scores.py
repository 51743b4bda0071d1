"""Quality of alignments, measured on the synthetic catalogue's truth; and a few of them to look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fashionvl.data.catalogue import Split
from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.index.catalogue import CaptionStore, CatalogueIndex
from fashionvl.data.synthetic import GroundTruth
from fashionvl.data.visual.alignments import Alignments
from fashionvl.data.visual.features import FeatureCache
from fashionvl.data.visual.kaleido import ALIGNED_LEVELS
from fashionvl.errors import InputError
from fashionvl.evaluation.alignment import AlignmentPrecision, phrase_tokens
from fashionvl.patches.grid import Box, KaleidoGrid, grown
from fashionvl.patches.overlap import best_patches
from fashionvl.tasks.testing.base import SHOWN
from fashionvl.tasks.testing.shown import shown


@dataclass(frozen=True)
class WholeCaptions:
    """The tokenised captions of a file, uncut: [CLS] caption [SEP]."""

    store: CaptionStore

    @classmethod
    def open(cls, data: FashionGenDataModule, split: Split) -> "WholeCaptions":
        """Those of one file under the data's tokenizer."""
        return cls(data.index_of(split).captions(data.tokenizer))

    @property
    def longest(self) -> int:
        """Tokens of the longest caption."""
        return int(np.diff(self.store.offsets).max())

    def of(self, row: int) -> np.ndarray:
        """`[L]` token ids of a row's caption."""
        caption = self.store.caption_of_row[row]
        return self.store.ids[self.store.offsets[caption] : self.store.offsets[caption + 1]]


@dataclass(frozen=True)
class AlignedPhotographs:
    """The alignments of the validation file, with the patches their regions fall on.

    Attributes:
        alignments: on disk.
        boxes: `[N, 4]` around the products.
        grid: that splits them.
        levels: of the grid that tokens are aligned to.
        frames: `[N, 2]` width and height of the photographs in pixels.
    """

    alignments: Alignments
    boxes: np.ndarray
    grid: KaleidoGrid
    levels: tuple[int, ...]
    frames: np.ndarray

    @classmethod
    def open(
        cls, alignments: Alignments, index: CatalogueIndex, features: str | None
    ) -> "AlignedPhotographs":
        """Take boxes and levels of a feature cache, or the index's boxes and the paper's levels.

        Raises:
            InputError: the cache is of other data, damaged, or has none of the levels 3, 4 and 5.
        """
        boxes, grid = index.boxes, KaleidoGrid()
        if features is not None:
            cache = FeatureCache(Path(features) / "validation", index.fingerprint, len(index))
            boxes, grid = cache.boxes, KaleidoGrid(cache.facts.levels)
        levels = tuple(level for level in ALIGNED_LEVELS if level in grid.levels)
        if not levels:
            raise InputError(
                f"model.init_args.features: {features} has levels {list(grid.levels)}; precision is measured "
                "on 3, 4 and 5"
            )
        return cls(alignments, boxes, grid, levels, index.frames)

    def box(self, row: int) -> Box:
        """Around the product of a row, large enough for every level."""
        x0, y0, x1, y1 = self.boxes[row].tolist()
        width, height = self.frames[row].tolist()
        return grown((x0, y0, x1, y1), max(self.grid.levels), (width, height))

    def of(self, row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Aligned positions `[K]`, their regions `[K, 4]`, and the patch of each level `[K, len(levels)]`."""
        positions, regions = self.alignments.of(row)
        return (
            positions,
            regions,
            best_patches(regions, self.grid, self.box(row), self.frames[row], self.levels),
        )

    def examples(self, data: FashionGenDataModule) -> dict[str, np.ndarray]:
        """One photograph each of some products: the arrays of `examples/alignment.npz`, padded to one length.

        Returns:
            `images` `[E, H, W, 3]` uint8, `captions` `[E]`, `boxes` `[E, 4]` pixels, `levels` `[3]`, and of
            the K aligned words at most: `words` `[E, K]`, empty where there are fewer, `regions`
            `[E, K, 4]` fractions of the frame, `patches` `[E, K, 3]`.
        """
        index = data.index_of("validation")
        rows = np.unique(index.product_id, return_index=True)[1][:SHOWN].tolist()
        captions = WholeCaptions.open(data, "validation")
        found = [self.of(row) for row in rows]
        longest = max(len(positions) for positions, _, _ in found)
        words = np.full((len(rows), longest), "", dtype=object)
        regions = np.zeros((len(rows), longest, 4), np.float32)
        patches = np.full((len(rows), longest, len(self.levels)), -1, np.int64)
        for line, (row, (positions, where, best)) in enumerate(zip(rows, found, strict=True)):
            ids = captions.of(row)[positions].tolist()
            words[line, : len(ids)] = data.tokenizer.convert_ids_to_tokens(ids)
            regions[line, : len(ids)], patches[line, : len(ids)] = where, best
        pictures = shown(data.test_image(row) for row in rows)
        return {
            "images": pictures.images,
            "captions": np.array([data.test_caption(row) for row in rows]),
            "boxes": pictures.boxes(np.array([self.box(row) for row in rows])),
            "levels": np.array(self.levels),
            "words": words.astype(str),
            "regions": pictures.regions(regions),
            "patches": patches,
        }


def score(aligned: AlignedPhotographs, data: FashionGenDataModule) -> dict[str, float]:
    """Score the alignments of the validation file.

    Returns:
        `rows` and `rows_without_pair`, those that have no aligned token; where the truth is known also the
        scores of `AlignmentPrecision`.
    """
    truth = data.truth("validation")
    phrases = _Phrases(truth, data) if truth else None
    precision = AlignmentPrecision(aligned.grid, aligned.levels)
    empty = 0
    for row in range(len(aligned.boxes)):
        positions, _, patches = aligned.of(row)
        empty += not len(positions)
        for attribute, region, told in phrases.of(row) if phrases else ():
            precision.add(attribute, region, aligned.box(row), patches[np.isin(positions, told)])
    known = precision.compute() if truth else {}
    return {"rows": len(aligned.boxes), "rows_without_pair": empty, **known}


class _Phrases:
    """Tokens of a caption that name an attribute, and the attribute's place in the photograph."""

    def __init__(self, truth: GroundTruth, data: FashionGenDataModule) -> None:
        self._truth, self._data = truth, data
        index = data.index_of("validation")
        self._texts, self._text_of_row = index.unique_captions(), index.caption_of_row
        self._spans: dict[int, list[tuple[int, int]]] = {}

    def of(self, row: int) -> Iterator[tuple[str, np.ndarray, list[int]]]:
        """Attribute, its region `[4]` in pixels, positions of its phrase; of those that are seen and said."""
        number = int(self._text_of_row[row])
        text = self._texts[number]
        if number not in self._spans:
            coded = self._data.tokenizer(text, return_offsets_mapping=True, truncation=False)
            self._spans[number] = coded["offset_mapping"]
        for attribute, codes in self._truth.attributes().items():
            region = self._truth.region(attribute)[row]
            if region[0] >= 0 and self._truth.mentioned(attribute)[row]:
                phrase = self._truth.words(attribute)[codes[row]]
                yield attribute, region, phrase_tokens(text, phrase, self._spans[number])
