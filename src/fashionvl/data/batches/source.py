"""One split as arrays: photographs, captions and labels before any corruption."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from fashionvl.data.catalogue import CatalogueReader, place_of
from fashionvl.data.index.catalogue import CaptionStore, CatalogueIndex, PaddedCaptions, PixelStore
from fashionvl.data.records import Patches
from fashionvl.data.visual.kaleido import PatchSource
from fashionvl.errors import InputError
from fashionvl.patches.crops import crop_resize


class Pictures(NamedTuple):
    """B photographs as a batch holds them.

    Attributes:
        pixel_values: as in `Pairs`; empty where they come as patches.
        boxes: as in `PairBatch`, where they are still to be cropped.
        patches: as in `Pairs`.
    """

    pixel_values: torch.Tensor
    boxes: torch.Tensor | None = None
    patches: Patches | None = None


@dataclass(frozen=True)
class SplitSource:
    """One split as arrays: photographs at the model's size, token ids at the model's length, label ids.

    Attributes:
        reader: the file the photographs come from when they are not stored.
        boxes: `[N, 4]` foreground of every row.
        pixels: stored photographs, or None to decode, crop and resize on the fly.
        captions: tokenised captions.
        product_id: `[N]`.
        category: `[N]` main-category ids, as `LabelVocabulary.ids` gives them.
        subcategory: `[N]` sub-category ids, likewise.
        image_size: pixels.
        max_tokens: length a caption is cut to.
        pad_id: id that pads captions; a token of captions, too, with some tokenizers.
        crop: whether photographs are cropped to their foreground.
        pad_to_longest: pad captions to the longest of a batch, not to `max_tokens`.
        patches: photographs as patches, for models that see those; pixels are then not read.
        stored_frame: height and width of every photograph, where batches hold them as stored beside their
            boxes, to be cropped on the device; None where the loader crops them.
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
    stored_frame: tuple[int, int] | None = None

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
        resize_later: bool = False,
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
            resize_later: leave crop and resize to the device; nothing for patches.

        Raises:
            InputError: resizing is left to the device, but photographs are of several sizes or would shrink.
        """
        frame = None
        if resize_later and patches is None:
            frame = one_frame(index.reader, np.arange(len(index)), index.frames, image_size)
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
            stored_frame=frame,
        )

    def pictures(self, rows: np.ndarray) -> Pictures:
        """Photographs in the form in which they leave the loader."""
        if self.patches is not None:
            return Pictures(no_pixels(len(rows)), patches=self.patches.plain(rows))
        if self.stored_frame is not None:
            frames, boxes = self.frames(rows, *self.stored_frame)
            return Pictures(frames, boxes)
        return Pictures(self.images(rows))

    def images(self, rows: Sequence[int] | np.ndarray) -> torch.Tensor:
        """`[B, 3, S, S]` uint8, channels innermost in memory."""
        if self.pixels is not None:
            pictures = self.pixels.batch(rows)
        else:
            pictures = np.empty((len(rows), self.image_size, self.image_size, 3), np.uint8)
            for picture, row in zip(pictures, rows, strict=True):
                self._crop(int(row), picture)
        return torch.from_numpy(pictures).permute(0, 3, 1, 2)

    def _crop(self, row: int, out: np.ndarray) -> None:
        image = self.reader.image(row)
        height, width = image.shape[:2]
        x0, y0, x1, y1 = self.boxes[row].tolist() if self.crop else (0, 0, width, height)
        crop_resize(image, (x0, y0, x1, y1), self.image_size, out)

    def frames(
        self, rows: Sequence[int] | np.ndarray, height: int, width: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Photographs of one size as stored, and where to crop them.

        Returns:
            `[B, 3, H, W]` uint8, channels innermost in memory; `[B, 4]` int64 x0, y0, x1, y1 with exclusive
            ends.
        """
        frames = np.empty((len(rows), height, width, 3), np.uint8)
        for frame, row in zip(frames, rows, strict=True):
            frame[:] = self.reader.image(int(row))
        whole = np.broadcast_to(np.array([0, 0, width, height]), (len(rows), 4))
        boxes = (self.boxes[rows] if self.crop else whole).astype(np.int64)
        return torch.from_numpy(frames).permute(0, 3, 1, 2), torch.from_numpy(boxes)

    def tokens(self, rows: Sequence[int] | np.ndarray) -> PaddedCaptions:
        """The rows' captions as token ids, cut and padded."""
        return self.captions.batch(np.asarray(rows), self.max_tokens, self.pad_id, self.pad_to_longest)


def one_frame(
    reader: CatalogueReader, rows: np.ndarray, frames: np.ndarray, image_size: int
) -> tuple[int, int]:
    """Return the height and width of all photographs, for the device to enlarge.

    Args:
        reader: of the file, for messages.
        rows: `[R]` of the photographs.
        frames: `[R, 2]` width and height of each, pixels.
        image_size: pixels.

    Raises:
        InputError: they are of several sizes, or would shrink to `image_size`.
    """
    width, height = frames[0].tolist()
    others = np.flatnonzero((frames != frames[0]).any(axis=1))
    if len(others):
        wide, high = frames[others[0]].tolist()
        one, other = (place_of(reader, int(rows[at])) for at in (0, others[0]))
        raise InputError(
            f"data.init_args.resize_on: device takes photographs of one size, but in {reader.source} {one} "
            f"has {width} x {height} px and {other} {wide} x {high}; use loader"
        )
    if max(height, width) > image_size:
        raise InputError(
            f"data.init_args.resize_on: device only enlarges, but photographs of {width} x {height} px in "
            f"{reader.source} would shrink to {image_size} px; use loader"
        )
    return height, width


def no_pixels(rows: int) -> torch.Tensor:
    """Return empty pixels `[rows, 0]` for photographs that are read as patches."""
    return torch.empty(rows, 0, dtype=torch.uint8)
