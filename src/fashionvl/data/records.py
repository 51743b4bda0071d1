"""The typed records that travel between files, models and tasks."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class ProductRecord:
    """One row of a catalogue file: one photograph of a product, with the product's caption and labels."""

    row: int
    product_id: int
    image_name: str
    caption: str
    category: str
    subcategory: str


@dataclass(frozen=True, slots=True)
class CatalogueColumns:
    """The text columns of every row, aligned; images stay in the file.

    Attributes:
        product_id: `[N]` int64.
        image_name: N names, as the publisher wrote them.
        caption: N captions.
        category: N main-category names.
        subcategory: N sub-category names.
    """

    product_id: np.ndarray
    image_name: list[str]
    caption: list[str]
    category: list[str]
    subcategory: list[str]

    def __len__(self) -> int:
        return len(self.caption)


class CatalogueReader(Protocol):
    """Random access to one split of a catalogue; safe to pickle into worker processes."""

    source: Path

    def __len__(self) -> int:
        """Number of rows."""

    def columns(self) -> CatalogueColumns:
        """Read every text column once, without touching an image."""

    def image(self, row: int) -> np.ndarray:
        """The RGB photograph of one row: `[H, W, 3]` uint8."""

    def fingerprint(self) -> str:
        """A content hash that is the same on every machine holding the same data."""


class TensorRecord:
    """A dataclass of tensors that moves as one."""

    def _map(self, function: Callable[[Tensor], Tensor]) -> Self:
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return type(self)(
            **{name: None if value is None else function(value) for name, value in values.items()}
        )

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """A copy on another device."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Self:
        """A copy in page-locked memory, for asynchronous copies to a GPU."""
        return self._map(lambda tensor: tensor.pin_memory())


@dataclass
class Pairs(TensorRecord):
    """B image-text pairs as a model scores them.

    Attributes:
        pixel_values: `[B, 3, H, W]`; uint8 in 0..255 as loaded, float in [0, 1] once on the device.
        input_ids: `[B, L]` int64; [CLS] caption [SEP] [PAD]..., tokens masked where the task asks for it.
        attention_mask: `[B, L]` int64; 1 on tokens, 0 on padding.
    """

    pixel_values: Tensor
    input_ids: Tensor
    attention_mask: Tensor

    def __len__(self) -> int:
        return len(self.input_ids)


@dataclass
class PairBatch(Pairs):
    """B image-text pairs with everything a training task learns from.

    Attributes:
        image_mask: `[B, 1, H, W]` bool, True where the pixel is hidden; None without image masking.
        mlm_labels: `[B, L]` int64, the original id at masked positions, -100 elsewhere; None without masking.
        itm_labels: `[B]` int64; 1 where text and image belong to one product.
        category: `[B]` int64 main-category id of the image.
        subcategory: `[B]` int64 sub-category id of the image.
        product_id: `[B]` int64 product of the image.
        rows: `[B]` int64 row of the image in its file.
    """

    image_mask: Tensor | None
    mlm_labels: Tensor | None
    itm_labels: Tensor
    category: Tensor
    subcategory: Tensor
    product_id: Tensor
    rows: Tensor


@dataclass
class RetrievalBatch(TensorRecord):
    """Q queries with C candidates each; photographs and captions that several pairs share are held once.

    Attributes:
        query_ids: `[Q]` int64 number of the query in its candidate set.
        positive: `[Q]` int64 column of the positive.
        pixel_values: `[U, 3, H, W]`, the batch's distinct photographs; uint8, on the device float in [0, 1].
        input_ids: `[V, L]` int64, the batch's distinct captions, unmasked.
        attention_mask: `[V, L]` int64.
        image_of_pair: `[Q, C]` int64 into the photographs.
        text_of_pair: `[Q, C]` int64 into the captions.
    """

    query_ids: Tensor
    positive: Tensor
    pixel_values: Tensor
    input_ids: Tensor
    attention_mask: Tensor
    image_of_pair: Tensor
    text_of_pair: Tensor

    def __len__(self) -> int:
        return len(self.query_ids)

    def pairs(self, selection: slice) -> Pairs:
        """Some of the Q x C pairs, counted query by query."""
        images, texts = self.image_of_pair.flatten()[selection], self.text_of_pair.flatten()[selection]
        return Pairs(self.pixel_values[images], self.input_ids[texts], self.attention_mask[texts])
