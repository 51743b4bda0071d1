"""The gallery: every distinct image and caption of a split, which belong together, and their batches."""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from fashionvl.data.batches.source import SplitSource
from fashionvl.data.records import GalleryImages, GalleryTexts, RetrievalBatch


class Links(NamedTuple):
    """Positives of every query in compressed sparse rows: `targets[offsets[q]:offsets[q + 1]]`.

    Attributes:
        offsets: `[Q + 1]` int64.
        targets: `[P]` int64, ascending within a query.
    """

    offsets: np.ndarray
    targets: np.ndarray

    def of(self, queries: np.ndarray) -> "Links":
        """Return the positives of some queries, in their order."""
        starts, ends = self.offsets[queries], self.offsets[queries + 1]
        offsets = np.concatenate([[0], np.cumsum(ends - starts)])
        places = np.repeat(starts - offsets[:-1], ends - starts) + np.arange(offsets[-1])
        return Links(offsets, self.targets[places])


@dataclass(frozen=True)
class Gallery:
    """Distinct images and captions of a split.

    A caption and an image belong together where a product has both: several photographs a product are all
    positives of its caption, five captions an image are all positives of the image, and two products with
    one caption share it.

    Attributes:
        image_rows: `[I]` int64, a row that shows each image.
        text_rows: `[T]` int64, a row that carries each caption.
        image_of_row: `[N]` int64, the image of every row.
        text_of_row: `[N]` int64, the caption of every row.
        texts_of_image: positives of image queries.
        images_of_text: positives of text queries.
    """

    image_rows: np.ndarray
    text_rows: np.ndarray
    image_of_row: np.ndarray
    text_of_row: np.ndarray
    texts_of_image: Links
    images_of_text: Links

    @classmethod
    def of_rows(
        cls, product_id: np.ndarray, caption_of_row: np.ndarray, image_of_row: np.ndarray | None = None
    ) -> "Gallery":
        """Collect the gallery of a split.

        Args:
            product_id: `[N]` int64.
            caption_of_row: `[N]`, equal where captions are.
            image_of_row: `[N]`, equal where rows show one image, which is then decoded once; None: every row
                shows its own.
        """
        shown = np.arange(len(product_id)) if image_of_row is None else image_of_row
        _, image_rows, images = np.unique(shown, return_index=True, return_inverse=True)
        _, text_rows, texts = np.unique(caption_of_row, return_index=True, return_inverse=True)
        pairs = _joined(product_id, images, texts)
        return cls(
            image_rows,
            text_rows,
            images,
            texts,
            texts_of_image=_links(pairs[:, 0], pairs[:, 1], len(image_rows)),
            images_of_text=_links(pairs[:, 1], pairs[:, 0], len(text_rows)),
        )

    @property
    def fingerprint(self) -> str:
        """Hash of images, captions and what belongs together; two models met one gallery if these agree."""
        digest = hashlib.sha256()
        for array in (self.image_rows, self.text_rows, *self.texts_of_image):
            digest.update(np.ascontiguousarray(array, np.int64).tobytes())
        return digest.hexdigest()


def _joined(product_id: np.ndarray, images: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """Pair every image of a product with every caption of it: `[P, 2]`, distinct."""
    own = np.unique(np.stack([product_id, images], 1), axis=0)
    said = np.unique(np.stack([product_id, texts], 1), axis=0)
    starts = np.searchsorted(said[:, 0], own[:, 0], "left")
    counts = np.searchsorted(said[:, 0], own[:, 0], "right") - starts
    first = np.repeat(starts - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    pairs = np.stack([np.repeat(own[:, 1], counts), said[first + np.arange(counts.sum()), 1]], 1)
    return np.unique(pairs, axis=0)


def _links(queries: np.ndarray, targets: np.ndarray, count: int) -> Links:
    order = np.lexsort((targets, queries))
    offsets = np.searchsorted(queries[order], np.arange(count + 1))
    return Links(offsets.astype(np.int64), targets[order].astype(np.int64))


class GalleryDataset(Dataset[GalleryImages | GalleryTexts]):
    """Every image once and every caption once, in batches of one kind; an item is a whole batch."""

    def __init__(self, source: SplitSource, gallery: Gallery, batch_size: int) -> None:
        self._source, self._gallery = source, gallery
        self._images = np.split(np.arange(len(gallery.image_rows)), _cuts(gallery.image_rows, batch_size))
        self._texts = np.split(np.arange(len(gallery.text_rows)), _cuts(gallery.text_rows, batch_size))

    def __len__(self) -> int:
        return len(self._images) + len(self._texts)

    def __getitem__(self, position: int) -> GalleryImages | GalleryTexts:
        if position < len(self._images):
            numbers = self._images[position]
            pictures = self._source.pictures(self._gallery.image_rows[numbers])
            return GalleryImages(torch.from_numpy(numbers), **pictures._asdict())
        numbers = self._texts[position - len(self._images)]
        return GalleryTexts(torch.from_numpy(numbers), *_texts(self._source, self._gallery, numbers))


class GalleryPairsDataset(Dataset[RetrievalBatch]):
    """Every caption with every image, in blocks of some captions and some images; an item is a block.

    For models that score pairs: I x T forward passes.
    """

    def __init__(self, source: SplitSource, gallery: Gallery, block: int = 64) -> None:
        self._source, self._gallery = source, gallery
        images, texts = np.arange(len(gallery.image_rows)), np.arange(len(gallery.text_rows))
        self._images, self._texts = (
            np.split(images, _cuts(images, block)),
            np.split(texts, _cuts(texts, block)),
        )

    def __len__(self) -> int:
        return len(self._images) * len(self._texts)

    def __getitem__(self, position: int) -> RetrievalBatch:
        images, texts = self._images[position % len(self._images)], self._texts[position // len(self._images)]
        pictures = self._source.pictures(self._gallery.image_rows[images])
        input_ids, attention_mask = _texts(self._source, self._gallery, texts)
        rows, columns = torch.meshgrid(torch.arange(len(texts)), torch.arange(len(images)), indexing="ij")
        return RetrievalBatch(
            query_ids=torch.from_numpy(texts),
            positive=torch.zeros(len(texts), dtype=torch.int64),
            input_ids=input_ids,
            attention_mask=attention_mask,
            image_of_pair=columns,
            text_of_pair=rows,
            candidate_ids=torch.from_numpy(images).expand(len(texts), -1),
            **pictures._asdict(),
        )


def _cuts(rows: np.ndarray, size: int) -> np.ndarray:
    return np.arange(size, len(rows), size)


def _texts(source: SplitSource, gallery: Gallery, numbers: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and attention `[B, L]` of captions."""
    captions = source.tokens(gallery.text_rows[numbers])
    return torch.from_numpy(captions.ids), torch.from_numpy(captions.attention.astype(np.int64))
