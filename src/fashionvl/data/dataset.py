"""Torch datasets that fetch whole batches: pairs for training, candidate lists for retrieval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerFast

from fashionvl.data.candidates import CandidateSet
from fashionvl.data.corruption import Corruption
from fashionvl.data.foreground import crop_resize
from fashionvl.data.index import CaptionStore, CatalogueIndex, PixelStore
from fashionvl.data.pairing import PairSampler
from fashionvl.data.records import CatalogueReader, PairBatch, RetrievalBatch
from fashionvl.masking.text import mask_tokens


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
        max_tokens: length every caption is padded or cut to.
        pad_id: id of [PAD].
        crop: whether photographs are cropped to their foreground.
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
        """
        return cls(
            reader=index.reader,
            boxes=index.boxes,
            pixels=index.images(image_size) if stored else None,
            captions=index.captions(tokenizer),
            product_id=index.product_id,
            category=labels[0],
            subcategory=labels[1],
            image_size=image_size,
            max_tokens=max_tokens,
            pad_id=int(tokenizer.pad_token_id),
            crop=crop,
        )

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
        ids = np.full((len(rows), self.max_tokens), self.pad_id, np.int64)
        for line, row in zip(ids, rows, strict=True):
            found = self.captions.tokens(int(row), self.max_tokens)
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
        labels = self._mask_text(input_ids, rngs)
        matched = self.source.product_id[text_rows] == self.source.product_id[rows]
        return PairBatch(
            pixel_values=self.source.images(rows),
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
        return RetrievalBatch(
            query_ids=torch.tensor(positions),
            positive=torch.from_numpy(self.candidates.positive[positions]),
            pixel_values=self.source.images(unique_images),
            input_ids=torch.from_numpy(input_ids),
            attention_mask=torch.from_numpy((input_ids != self.source.pad_id).astype(np.int64)),
            image_of_pair=torch.from_numpy(image_of_pair.reshape(table.shape)),
            text_of_pair=torch.from_numpy(text_of_pair.reshape(table.shape)),
        )
