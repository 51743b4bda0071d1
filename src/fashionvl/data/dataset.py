"""Torch datasets that fetch whole batches: pairs for training, candidate lists for retrieval."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerFast

from fashionvl.data.candidates import CandidateSet
from fashionvl.data.corruption import Corruption
from fashionvl.data.index import CaptionStore, CatalogueIndex, PixelStore
from fashionvl.data.kaleido import NO_PAIRS, PatchSource
from fashionvl.data.pairing import PairSampler
from fashionvl.data.records import CatalogueReader, KaleidoTargets, PairBatch, Patches, RetrievalBatch
from fashionvl.errors import InputError
from fashionvl.masking.alignment import choose
from fashionvl.masking.text import corrupt, mask_tokens
from fashionvl.patches.crops import crop_resize


@dataclass(frozen=True)
class SplitSource:
    """One split as arrays: photographs at the model's size, token ids at the model's length, label ids.

    Attributes:
        reader: the file the photographs come from when they are not stored.
        boxes: `[N, 4]` foreground of every row.
        pixels: stored photographs, or None to decode, crop and resize on the fly.
        captions: tokenised captions.
        product_id: `[N]`.
        category: `[N]` main-category ids.
        subcategory: `[N]` sub-category ids.
        image_size: pixels.
        max_tokens: length a caption is cut to.
        pad_id: id of [PAD].
        crop: whether photographs are cropped to their foreground.
        pad_to_longest: pad captions to the longest of a batch, not to `max_tokens`.
        patches: photographs as patches, for models that see those; pixels are then not read.
    """

    reader: CatalogueReader
    boxes: np.ndarray
    pixels: PixelStore | None
    captions: CaptionStore
    product_id: np.ndarray
    category: np.ndarray
    subcategory: np.ndarray
    image_size: int
    max_tokens: int
    pad_id: int
    crop: bool
    pad_to_longest: bool = False
    patches: PatchSource | None = None

    @classmethod
    def open(
        cls,
        index: CatalogueIndex,
        labels: tuple[np.ndarray, np.ndarray],
        tokenizer: PreTrainedTokenizerFast,
        image_size: int,
        max_tokens: int,
        stored: bool,
        crop: bool,
        pad_to_longest: bool = False,
        patches: PatchSource | None = None,
    ) -> "SplitSource":
        """Bring an index to one image size and one tokenizer.

        Args:
            index: of the file.
            labels: category and sub-category ids by row.
            tokenizer: of the captions.
            image_size: pixels.
            max_tokens: tokens.
            stored: keep resized photographs beside the index and read those.
            crop: crop to the foreground.
            pad_to_longest: of captions.
            patches: stand for the photographs.
        """
        return cls(
            reader=index.reader,
            boxes=index.boxes,
            pixels=index.images(image_size, crop) if stored and patches is None else None,
            captions=index.captions(tokenizer),
            product_id=index.product_id,
            category=labels[0],
            subcategory=labels[1],
            image_size=image_size,
            max_tokens=max_tokens,
            pad_id=int(tokenizer.pad_token_id),
            crop=crop,
            pad_to_longest=pad_to_longest,
            patches=patches,
        )

    def pictures(self, rows: np.ndarray) -> tuple[torch.Tensor, Patches | None]:
        """Photographs as pixels, or as patches beside an empty tensor."""
        if self.patches is not None:
            return _no_pixels(len(rows)), self.patches.plain(rows)
        return self.images(rows), None

    def images(self, rows: Sequence[int] | np.ndarray) -> torch.Tensor:
        """`[B, 3, S, S]` uint8."""
        return torch.from_numpy(np.stack([self._image(int(row)) for row in rows])).permute(0, 3, 1, 2)

    def _image(self, row: int) -> np.ndarray:
        if self.pixels is not None:
            return self.pixels.read(row)
        image = self.reader.image(row)
        height, width = image.shape[:2]
        x0, y0, x1, y1 = self.boxes[row].tolist() if self.crop else (0, 0, width, height)
        return crop_resize(image, (x0, y0, x1, y1), self.image_size)

    def tokens(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """`[B, L]` int64, padded."""
        captions = [self.captions.tokens(int(row), self.max_tokens) for row in rows]
        length = max(map(len, captions)) if self.pad_to_longest else self.max_tokens
        ids = np.full((len(rows), length), self.pad_id, np.int64)
        for line, found in zip(ids, captions, strict=True):
            line[: len(found)] = found
        return ids


class PairDataset(Dataset[PairBatch]):
    """Image-text pairs of some rows of a split, corrupted as a task asks.

    An item is asked for as `(epoch, position)`; everything random about it follows from (seed, epoch, row)
    alone, so the number of workers and processes changes nothing. Only `__getitems__` is offered: a batch is
    fetched whole.
    """

    def __init__(
        self,
        source: SplitSource,
        rows: np.ndarray,
        tokenizer: PreTrainedTokenizerFast,
        corruption: Corruption,
        seed: int,
    ) -> None:
        self.source, self.rows, self.corruption, self.seed = source, rows, corruption, seed
        self._special = np.array(sorted(tokenizer.all_special_ids), np.int64)
        self._mask_id, self._vocab = int(tokenizer.mask_token_id), len(tokenizer)
        self._pairs = (
            PairSampler(corruption.pairing, rows, source.product_id, source.subcategory)
            if corruption.pairing
            else None
        )
        if corruption.image:
            corruption.image.check_size(source.image_size, source.image_size)
        if (
            corruption.patches
            and corruption.patches.camouflage
            and len(np.unique(source.product_id[rows])) < 2
        ):
            raise InputError(
                "camouflage: a patch of another product is needed; the split has one product only"
            )

    def as_crops(self, size: int) -> "PairDataset":
        """The same pairs, with crops of `size` pixels where this one has patch features."""
        if self.source.patches is None:
            raise RuntimeError("photographs do not come as patches")
        other = copy.copy(self)
        other.source = replace(self.source, patches=self.source.patches.as_crops(size))
        return other

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, keys: list[tuple[int, int]]) -> PairBatch:
        """The pairs at `(epoch, position)` keys, as one batch."""
        rows = np.array([self.rows[position] for _, position in keys], np.int64)
        rngs = [
            np.random.default_rng([self.seed, epoch, int(row)])
            for (epoch, _), row in zip(keys, rows, strict=True)
        ]
        text_rows = rows
        if self._pairs:
            text_rows = np.array(
                [self._pairs.caption_row(int(r), g) for r, g in zip(rows, rngs, strict=True)]
            )
        input_ids = self.source.tokens(text_rows)
        attention = input_ids != self.source.pad_id
        matched = self.source.product_id[text_rows] == self.source.product_id[rows]
        patches: Patches | None
        if self.corruption.patches:
            pixels = _no_pixels(len(rows))
            patches, kaleido, labels = self._mask_together(rows, text_rows, input_ids, rngs)
        else:
            pixels, patches = self.source.pictures(rows)
            kaleido, labels = None, self._mask_text(input_ids, rngs)
        return PairBatch(
            pixel_values=pixels,
            patches=patches,
            kaleido=kaleido,
            input_ids=torch.from_numpy(input_ids),
            attention_mask=torch.from_numpy(attention.astype(np.int64)),
            image_mask=self._image_masks(rngs),
            mlm_labels=labels,
            itm_labels=torch.from_numpy(matched.astype(np.int64)),
            category=torch.from_numpy(self.source.category[rows]),
            subcategory=torch.from_numpy(self.source.subcategory[rows]),
            product_id=torch.from_numpy(self.source.product_id[rows]),
            rows=torch.from_numpy(rows),
        )

    def _mask_text(self, input_ids: np.ndarray, rngs: list[np.random.Generator]) -> torch.Tensor | None:
        if self.corruption.text is None:
            return None
        labels = np.empty_like(input_ids)
        for position, rng in enumerate(rngs):
            input_ids[position], labels[position] = mask_tokens(
                input_ids[position],
                self.corruption.text,
                mask_id=self._mask_id,
                special_ids=self._special,
                vocab_size=self._vocab,
                rng=rng,
            )
        return torch.from_numpy(labels)

    def _mask_together(
        self, rows: np.ndarray, text_rows: np.ndarray, input_ids: np.ndarray, rngs: list[np.random.Generator]
    ) -> tuple[Patches, KaleidoTargets, torch.Tensor | None]:
        """Tokens and patches, chosen together by AGM; the tokens are masked in place."""
        spec, source = self.corruption.patches, self.source.patches
        if spec is None or source is None:
            raise RuntimeError("patches are to be masked, but photographs do not come as patches")
        labels = np.empty_like(input_ids)
        chosen = []
        for position, rng in enumerate(rngs):
            # Alignments hold for a photograph and its own caption.
            own = text_rows[position] == rows[position]
            pairs = source.pairs(int(rows[position])) if own else NO_PAIRS
            ordinary = np.flatnonzero(~np.isin(input_ids[position], self._special))
            quota = spec.masking.quota(len(ordinary))
            picked = choose(pairs, ordinary, quota, spec.quotas, rng, spec.masking.mode)
            input_ids[position], labels[position] = corrupt(
                input_ids[position],
                picked.tokens,
                spec.masking,
                mask_id=self._mask_id,
                special_ids=self._special,
                vocab_size=self._vocab,
                rng=rng,
            )
            chosen.append(picked)
        donors = np.array([self._donor(int(row), rng) for row, rng in zip(rows, rngs, strict=True)])
        shown, targets = source.corrupted(rows, donors, chosen, spec, rngs)
        return shown, targets, torch.from_numpy(labels) if spec.masking.ratio else None

    def _donor(self, row: int, rng: np.random.Generator) -> int:
        """A photograph of another product (Kaleido-BERT footnote 6)."""
        while True:
            other = int(self.rows[rng.integers(len(self.rows))])
            if self.source.product_id[other] != self.source.product_id[row]:
                return other

    def _image_masks(self, rngs: list[np.random.Generator]) -> torch.Tensor | None:
        if self.corruption.image is None:
            return None
        size = self.source.image_size
        return torch.from_numpy(
            np.stack([self.corruption.image.sample(size, size, rng) for rng in rngs])[:, None]
        )


class RetrievalDataset(Dataset[RetrievalBatch]):
    """Queries with their candidates; each photograph and caption of a batch is loaded once."""

    def __init__(self, source: SplitSource, candidates: CandidateSet) -> None:
        self.source, self.candidates = source, candidates

    def __len__(self) -> int:
        return len(self.candidates)

    def __getitems__(self, positions: list[int]) -> RetrievalBatch:
        """The queries at `positions`, as one batch."""
        table = self.candidates.candidate_rows[positions]
        queries = np.broadcast_to(self.candidates.query_rows[positions][:, None], table.shape)
        image_rows, text_rows = (table, queries) if self.candidates.direction == "tir" else (queries, table)
        unique_images, image_of_pair = np.unique(image_rows, return_inverse=True)
        unique_texts, text_of_pair = np.unique(text_rows, return_inverse=True)
        input_ids = self.source.tokens(unique_texts)
        pixels, patches = self.source.pictures(unique_images)
        return RetrievalBatch(
            query_ids=torch.tensor(positions),
            positive=torch.from_numpy(self.candidates.positive[positions]),
            pixel_values=pixels,
            input_ids=torch.from_numpy(input_ids),
            attention_mask=torch.from_numpy((input_ids != self.source.pad_id).astype(np.int64)),
            image_of_pair=torch.from_numpy(image_of_pair.reshape(table.shape)),
            text_of_pair=torch.from_numpy(text_of_pair.reshape(table.shape)),
            patches=patches,
        )


def _no_pixels(rows: int) -> torch.Tensor:
    return torch.empty(rows, 0, dtype=torch.uint8)
