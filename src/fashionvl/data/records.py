"""The typed records that travel between files, models and tasks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fashionvl.data.catalogue import Split
from fashionvl.masking.text import IGNORED_LABEL


class TensorRecord:
    """A dataclass of tensors, of records of tensors, or of None, that moves as one."""

    def _map(self, function: Callable[[Tensor], Tensor]) -> Self:
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}  # type: ignore[arg-type]
        return type(self)(**{name: _mapped(value, function) for name, value in values.items()})

    def __getitem__(self, index: Tensor | slice) -> Self:
        """Select rows of every tensor."""
        return self._map(lambda tensor: tensor[index])

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """A copy on another device."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Self:
        """A copy in page-locked memory, for asynchronous copies to a GPU."""
        return self._map(lambda tensor: tensor.pin_memory())


def _mapped(value: "Tensor | TensorRecord | None", function: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, TensorRecord):
        return value._map(function)
    return None if value is None else function(value)


@dataclass
class Pixels(TensorRecord):
    """B photographs as pixels.

    Attributes:
        pixel_values: `[B, 3, H, W]` float in [0, 1].
    """

    pixel_values: Tensor

    def __len__(self) -> int:
        return len(self.pixel_values)


@dataclass
class Patches(TensorRecord):
    """The kaleido patches of B photographs, level by level (Kaleido-BERT sections 3.2 and 3.5).

    Attributes:
        features: `[B, P, D]` patch features, float16 as a cache holds them; or `[B, P, 3, S, S]` uint8 crops
            whose features are still to be computed.
        boxes: `[B, P, 5]` float32; x1, x2, y1, y2, w * h of each patch.
    """

    features: Tensor
    boxes: Tensor

    def __len__(self) -> int:
        return len(self.boxes)


Images = Pixels | Patches
"""B photographs as a model reads them."""


@dataclass
class Texts(TensorRecord):
    """B captions as a model reads them.

    Attributes:
        input_ids: `[B, L]` int64, padded behind each caption.
        attention_mask: `[B, L]` int64; 1 on tokens, 0 on padding. It follows from the lengths, not from ids:
            a tokenizer may pad with an id that captions hold, too (CLIP pads with the end mark).
    """

    input_ids: Tensor
    attention_mask: Tensor

    def __len__(self) -> int:
        return len(self.input_ids)

    @property
    def lengths(self) -> Tensor:
        """`[B]` int64, tokens of each caption."""
        return self.attention_mask.sum(1)


@dataclass
class Embedding(TensorRecord):
    """N images or texts embedded.

    Attributes:
        values: `[N, D]`, or `[N, R, D]` for late interaction over R regions or words.
        mask: `[N, R]` bool, True on what is there; None for `[N, D]`.
    """

    values: Tensor
    mask: Tensor | None = None

    def __len__(self) -> int:
        return len(self.values)

    def padded(self, longest: int) -> "Embedding":
        """Return the same with R padded to `longest`; `[N, D]` embeddings as they are."""
        if self.mask is None:
            return self
        room = longest - self.values.shape[1]
        return Embedding(F.pad(self.values, (0, 0, 0, room)), F.pad(self.mask, (0, room)))


@dataclass
class Pairs(TensorRecord):
    """B image-text pairs as a model scores them.

    Attributes:
        pixel_values: `[B, 3, H, W]`; uint8 in 0..255 as loaded, float in [0, 1] once on the device. `[B, 0]`
            where photographs come as patches.
        input_ids: `[B, L]` int64; [CLS] caption [SEP] [PAD]..., tokens masked where the task asks for it.
        attention_mask: `[B, L]` int64; 1 on tokens, 0 on padding.
        patches: of the photographs, for models that see those; None for models that see pixels.
    """

    pixel_values: Tensor
    input_ids: Tensor
    attention_mask: Tensor
    patches: Patches | None = field(default=None, kw_only=True)

    def __len__(self) -> int:
        return len(self.input_ids)

    @property
    def images(self) -> Images:
        """The photographs, in the form they come in."""
        return Pixels(self.pixel_values) if self.patches is None else self.patches

    @property
    def texts(self) -> Texts:
        """The captions."""
        return Texts(self.input_ids, self.attention_mask)


@dataclass
class KaleidoTargets(TensorRecord):
    """Targets of the five AKPM sub-tasks for B pairs (Kaleido-BERT section 3.6); None where one is off.

    Attributes:
        rotation: `[B]` int64, quarter turns of the level-1 patch, 0..3.
        jigsaw: `[B]` int64, number of level 2's permutation, 0..23.
        camouflage: `[B]` int64, the level-3 patch that is another product's, 0..8.
        grey: `[B, k]` int64, the level-4 patches that are grey, 0..15.
        grey_target: their features (or crops) in colour, `[B, k, ...]` like `Patches.features`.
        blank: `[B, k]` int64, patches of the blanked level. Their features are still in `Patches`, as the
            target; the model blanks them.
    """

    rotation: Tensor | None = None
    jigsaw: Tensor | None = None
    camouflage: Tensor | None = None
    grey: Tensor | None = None
    grey_target: Tensor | None = None
    blank: Tensor | None = None


@dataclass
class PairBatch(Pairs):
    """B image-text pairs with everything a training task learns from.

    Attributes:
        image_mask: `[B, 1, H, W]` bool, True where the pixel is hidden; None without image masking.
        mlm_labels: `[B, L]` int64, the original id at masked positions, -100 elsewhere; None without masking.
        itm_labels: `[B]` int64; 1 where text and image belong to one product.
        category: `[B]` int64 main-category id of the image; -100 where it takes no part in recognition.
        subcategory: `[B]` int64 sub-category id of the image, likewise.
        product_id: `[B]` int64 product of the image.
        rows: `[B]` int64 row of the image in its file.
        kaleido: what was done to the patches; None where nothing was.
        hard_negatives: `[B]` bool, True where text and image are of two products of one sub-category; None
            where every pair is matched.
        masked_positions: `[M]` int64, where in the flattened labels a word is asked, in increasing order;
            None where that is not known on the host.
        boxes: `[B, 4]` int64, where photographs that come as stored are still to be cropped: x0, y0, x1, y1
            in pixels with exclusive ends. None once they are.
    """

    image_mask: Tensor | None
    mlm_labels: Tensor | None
    itm_labels: Tensor
    category: Tensor
    subcategory: Tensor
    product_id: Tensor
    rows: Tensor
    kaleido: KaleidoTargets | None = field(default=None, kw_only=True)
    hard_negatives: Tensor | None = field(default=None, kw_only=True)
    masked_positions: Tensor | None = field(default=None, kw_only=True)
    boxes: Tensor | None = field(default=None, kw_only=True)

    def __getitem__(self, index: Tensor | slice) -> Self:
        """Select rows of every tensor; masked positions are computed again, which synchronises with a GPU."""
        taken = super(PairBatch, replace(self, masked_positions=None)).__getitem__(index)
        if self.masked_positions is not None and taken.mlm_labels is not None:
            taken.masked_positions = masked_positions(taken.mlm_labels)
        return taken

    def unmasked(self) -> Self:
        """Return the same pairs with whole captions: labels hold the original id of every masked token."""
        if self.mlm_labels is None:
            return self
        kept = self.mlm_labels == IGNORED_LABEL
        ids = torch.where(kept, self.input_ids, self.mlm_labels)
        return replace(self, input_ids=ids, mlm_labels=None, masked_positions=None)


def masked_positions(labels: Tensor) -> Tensor:
    """Return the positions `[M]` int64 of the masked words in the flattened labels `[B, L]`, ascending.

    The number M has to be known on the host; for labels on a GPU, this waits for it.
    """
    return (labels.flatten() != IGNORED_LABEL).nonzero()[:, 0]


@dataclass
class RowImages:
    """Consecutive photographs of one file as they are stored, for what is computed once a photograph.

    Attributes:
        split: the file.
        rows: `[B]` int64.
        images: `[B, H, W, 3]` uint8; B of `[H, W, 3]` where they are of several sizes.
        closes: whether the piece of work these rows belong to ends here.
    """

    split: Split
    rows: np.ndarray
    images: np.ndarray | list[np.ndarray]
    closes: bool

    def of_one_size(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows `[R]` and photographs `[R, H, W, 3]` of one size at a time, in order."""
        if isinstance(self.images, np.ndarray):
            yield self.rows, self.images
            return
        shapes = [image.shape for image in self.images]
        ends = [place for place in range(1, len(shapes)) if shapes[place] != shapes[place - 1]]
        for start, end in pairwise([0, *ends, len(shapes)]):
            yield self.rows[start:end], np.stack(self.images[start:end])


@dataclass
class RetrievalBatch(TensorRecord):
    """Q queries with C candidates each; photographs and captions that several pairs share are held once.

    Attributes:
        query_ids: `[Q]` int64 number of the query in its candidate set.
        positive: `[Q]` int64 column of the positive.
        pixel_values: `[U, 3, H, W]`, the batch's distinct photographs; uint8, on the device float in [0, 1].
            `[U, 0]` where they come as patches.
        input_ids: `[V, L]` int64, the batch's distinct captions, unmasked.
        attention_mask: `[V, L]` int64.
        image_of_pair: `[Q, C]` int64 into the photographs.
        text_of_pair: `[Q, C]` int64 into the captions.
        patches: of the distinct photographs, or None.
        boxes: `[U, 4]` int64, where the photographs are still to be cropped, as in `PairBatch`; or None.
        candidate_ids: `[Q, C]` int64, numbers of the candidates; None where the candidate set knows them.
    """

    query_ids: Tensor
    positive: Tensor
    pixel_values: Tensor
    input_ids: Tensor
    attention_mask: Tensor
    image_of_pair: Tensor
    text_of_pair: Tensor
    patches: Patches | None = None
    boxes: Tensor | None = None
    candidate_ids: Tensor | None = None

    def __len__(self) -> int:
        return len(self.query_ids)

    def pairs(self, selection: slice) -> Pairs:
        """Select some of the Q x C pairs, counted query by query."""
        images, texts = self.image_of_pair.flatten()[selection], self.text_of_pair.flatten()[selection]
        return Pairs(
            self.pixel_values[images],
            self.input_ids[texts],
            self.attention_mask[texts],
            patches=None if self.patches is None else self.patches[images],
        )


@dataclass
class GalleryImages(TensorRecord):
    """B distinct images of a gallery.

    Attributes:
        numbers: `[B]` int64, of the images in the gallery.
        pixel_values: as in `Pairs`.
        patches: as in `Pairs`.
        boxes: as in `PairBatch`.
    """

    numbers: Tensor
    pixel_values: Tensor
    patches: Patches | None = None
    boxes: Tensor | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def images(self) -> Images:
        """The photographs, in the form they come in."""
        return Pixels(self.pixel_values) if self.patches is None else self.patches


@dataclass
class GalleryTexts(TensorRecord):
    """B distinct captions of a gallery.

    Attributes:
        numbers: `[B]` int64, of the captions in the gallery.
        input_ids: `[B, L]` int64.
        attention_mask: `[B, L]` int64.
    """

    numbers: Tensor
    input_ids: Tensor
    attention_mask: Tensor

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def texts(self) -> Texts:
        """The captions."""
        return Texts(self.input_ids, self.attention_mask)
