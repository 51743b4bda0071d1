"""Torch datasets that fetch whole batches: pairs for training, candidate lists for retrieval."""

import copy
from dataclasses import replace

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerFast

from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.batches.generators import generators
from fashionvl.data.batches.pairing import PairSampler
from fashionvl.data.batches.source import Pictures, SplitSource, no_pixels
from fashionvl.data.index.vocabulary import UNLABELLED, as_targets
from fashionvl.data.records import KaleidoTargets, PairBatch, Patches, masked_positions
from fashionvl.data.text.loading import special_ids
from fashionvl.errors import InputError
from fashionvl.masking.alignment import choose
from fashionvl.masking.text import Words, corrupt, mask_tokens


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
        self._words = _words(tokenizer, corruption)
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
        rows = np.asarray(self.rows[[position for _, position in keys]], np.int64)
        rngs = generators(self.seed, [epoch for epoch, _ in keys], rows)
        text_rows = rows
        if self._pairs:
            lent = [self._pairs.caption_row(row, rng) for row, rng in zip(rows.tolist(), rngs, strict=True)]
            text_rows = np.array(lent)
        input_ids, attention = self.source.tokens(text_rows)
        matched = self.source.product_id[text_rows] == self.source.product_id[rows]
        kaleido = None
        if self.corruption.patches:
            patches, kaleido, input_ids, labels = self._mask_together(
                rows, text_rows, input_ids, attention, rngs
            )
            pictures = Pictures(no_pixels(len(rows)), patches=patches)
        else:
            pictures = self.source.pictures(rows)
            input_ids, labels = self._mask_text(input_ids, attention, rngs)
        return PairBatch(
            **pictures._asdict(),
            kaleido=kaleido,
            input_ids=torch.from_numpy(input_ids),
            attention_mask=torch.from_numpy(attention.astype(np.int64)),
            image_mask=self._image_masks(rngs),
            mlm_labels=None if labels is None else torch.from_numpy(labels),
            masked_positions=None if labels is None else masked_positions(torch.from_numpy(labels)),
            itm_labels=torch.from_numpy(matched.astype(np.int64)),
            hard_negatives=self._hard_negatives(rows, text_rows, matched),
            category=torch.from_numpy(as_targets(self.source.category[rows])),
            subcategory=torch.from_numpy(as_targets(self.source.subcategory[rows])),
            product_id=torch.from_numpy(self.source.product_id[rows]),
            rows=torch.from_numpy(rows),
        )

    def _hard_negatives(
        self, rows: np.ndarray, text_rows: np.ndarray, matched: np.ndarray
    ) -> torch.Tensor | None:
        if self._pairs is None:
            return None
        labels = self.source.subcategory
        # Names that the vocabulary lacks have an id each below `UNLABELLED`; empty ones are no sub-category.
        alike = (labels[rows] == labels[text_rows]) & (labels[rows] != UNLABELLED)
        return torch.from_numpy(alike & ~matched)

    def _mask_text(
        self, input_ids: np.ndarray, attention: np.ndarray, rngs: list[np.random.Generator]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        if self.corruption.text is None:
            return input_ids, None
        return mask_tokens(input_ids, attention, self.corruption.text, self._words, rngs)

    def _mask_together(
        self,
        rows: np.ndarray,
        text_rows: np.ndarray,
        input_ids: np.ndarray,
        attention: np.ndarray,
        rngs: list[np.random.Generator],
    ) -> tuple[Patches, KaleidoTargets, np.ndarray, np.ndarray | None]:
        """Tokens and patches, chosen together by AGM."""
        spec, source = self.corruption.patches, self.source.patches
        if spec is None or source is None:
            raise RuntimeError("patches are to be masked, but photographs do not come as patches")
        # Alignments hold for a photograph and its own caption.
        pairs = source.pairs(rows, rows == text_rows)
        ordinary = self._words.ordinary(input_ids) & attention
        masked = np.zeros(input_ids.shape, bool)
        chosen = []
        for position, rng in enumerate(rngs):
            eligible = np.flatnonzero(ordinary[position])
            quota = spec.masking.quota(len(eligible))
            picked = choose(pairs[position], eligible, quota, spec.quotas, rng, spec.masking.mode)
            masked[position, picked.tokens] = True
            chosen.append(picked)
        shown_ids, labels = corrupt(input_ids, masked, spec.masking, self._words, rngs)
        donors = np.array([self._donor(int(row), rng) for row, rng in zip(rows, rngs, strict=True)])
        patches, targets = source.corrupted(rows, donors, chosen, spec, rngs)
        return patches, targets, shown_ids, labels if spec.masking.ratio else None

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
        return torch.from_numpy(self.corruption.image.sample_batch(size, size, rngs)[:, None])


def _words(tokenizer: PreTrainedTokenizerFast, corruption: Corruption) -> Words:
    """The tokenizer's ids for masking.

    Raises:
        InputError: tokens are to become [MASK], and the tokenizer has none.
    """
    masks = (corruption.text, corruption.patches.masking if corruption.patches else None)
    asked = any(mask.ratio * mask.mask_share > 0 for mask in masks if mask)
    if asked and tokenizer.mask_token_id is None:
        raise InputError(
            f"model.init_args.mlm: it masks words, but tokenizer {tokenizer.name_or_path} has no mask token; "
            "set mlm: null, or set data.init_args.tokenizer to one that has"
        )
    return Words(tokenizer.mask_token_id, special_ids(tokenizer), len(tokenizer))
