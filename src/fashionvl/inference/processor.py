"""Pictures and texts in, the records that a model reads out: the tensors of the training pipeline."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from PIL import Image
from transformers import PreTrainedTokenizerFast

from fashionvl.data.index.catalogue import CaptionStore
from fashionvl.data.index.foreground import nonwhite_box
from fashionvl.data.preparation import Preparation
from fashionvl.data.readers.pictures import read_picture, rgb_pixels
from fashionvl.data.records import Images, Pairs, Patches, Pixels, Texts
from fashionvl.data.text.encoding import encode_captions
from fashionvl.errors import InputError
from fashionvl.inference.patches import PatchReader
from fashionvl.patches.crops import crop_resize

Picture = str | Path | Image.Image | np.ndarray
"""Path of a picture file; a Pillow image; or an array `[H, W]` (grey, uint8 or uint16), `[H, W, 3]` (RGB,
uint8) or `[H, W, 4]` (RGBA, uint8)."""


class Processor:
    """Turns pictures and texts into what a model reads.

    The functions are those of the training pipeline, with photographs cropped and resized by the loader.
    `Preparation.save` and `load` keep it as files beside the model.

    Attributes:
        preparation: image size, crop, caption length, padding, patches.
        tokenizer: of the texts.
    """

    def __init__(
        self,
        preparation: Preparation,
        tokenizer: PreTrainedTokenizerFast,
        patches: PatchReader | None = None,
    ) -> None:
        """Assemble a processor.

        Args:
            preparation: of the model.
            tokenizer: of the model.
            patches: for a model that reads kaleido patches.
        """
        self.preparation, self.tokenizer, self._patches = preparation, tokenizer, patches

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read the processor of a saved model.

        Raises:
            InputError: `processor.json`, the tokenizer, or a network that patches need is missing, damaged
                or not the model's.
        """
        preparation, tokenizer = Preparation.load(Path(folder))
        patches = PatchReader(preparation.patches, Path(folder)) if preparation.patches else None
        return cls(preparation, tokenizer, patches)

    def save(self, folder: Path | str) -> None:
        """Write `processor.json` and the tokenizer; networks behind patches are left where they are."""
        self.preparation.save(Path(folder), self.tokenizer)

    def images(self, pictures: Sequence[Picture]) -> Images:
        """Prepare pictures.

        Args:
            pictures: N of them, each of any size.

        Returns:
            `Pixels` `[N, 3, S, S]` float32 in [0, 1], or `Patches` for a model that reads those.

        Raises:
            InputError: none is given, or one is not a whole picture; the message names it.
        """
        if not pictures:
            raise InputError("images: none given; name at least one picture")
        frames = [_pixels(picture, f"picture {number}") for number, picture in enumerate(pictures, start=1)]
        if self._patches is not None:
            return self._patches(frames)
        size = self.preparation.image_size
        resized = np.empty((len(frames), size, size, 3), np.uint8)
        for out, frame in zip(resized, frames, strict=True):
            whole = (0, 0, frame.shape[1], frame.shape[0])
            crop_resize(frame, nonwhite_box(frame) if self.preparation.crop else whole, size, out)
        return Pixels(torch.from_numpy(resized).permute(0, 3, 1, 2).float().div_(255))

    def texts(self, captions: Sequence[str]) -> Texts:
        """Prepare captions.

        Args:
            captions: N of them.

        Returns:
            Token ids and attention `[N, L]` int64, cut and padded as in training.

        Raises:
            InputError: none is given, or one is not a string.
        """
        if not captions or isinstance(captions, str):
            raise InputError("texts: expected a list with at least one text")
        for number, caption in enumerate(captions, start=1):
            if not isinstance(caption, str):
                raise InputError(f"texts: text {number} is {type(caption).__name__}, expected a string")
        length, longest = self.preparation.max_tokens, self.preparation.pad_to == "longest"
        ids, offsets = encode_captions(self.tokenizer, captions)
        rows = np.arange(len(captions))
        padded = CaptionStore(ids, offsets, rows).batch(
            rows, length, int(self.tokenizer.pad_token_id), longest
        )
        return Texts(torch.from_numpy(padded.ids), torch.from_numpy(padded.attention.astype(np.int64)))

    def pairs(self, pictures: Sequence[Picture], captions: Sequence[str]) -> Pairs:
        """Prepare N pictures with a caption each.

        Raises:
            InputError: as `images` and `texts`, or there are not as many of both.
        """
        if len(pictures) != len(captions):
            raise InputError(f"pairs: {len(pictures)} pictures and {len(captions)} texts; one text a picture")
        return pair(self.images(pictures), self.texts(captions))


def pair(images: Images, texts: Texts) -> Pairs:
    """N images and N texts as pairs."""
    patches = images if isinstance(images, Patches) else None
    pixels = images.pixel_values if isinstance(images, Pixels) else torch.empty(len(images), 0)
    return Pairs(pixels, texts.input_ids, texts.attention_mask, patches=patches)


def _pixels(picture: Picture, name: str) -> np.ndarray:
    """`[H, W, 3]` uint8 RGB."""
    if isinstance(picture, str | Path):
        return read_picture(picture)
    if isinstance(picture, Image.Image):
        return rgb_pixels(picture, name)
    if not isinstance(picture, np.ndarray):
        raise InputError(f"{name}: {type(picture).__name__}, expected a path, a Pillow image or an array")
    kind = (picture.shape[2:], picture.dtype.name)
    if not picture.size or kind not in {((3,), "uint8"), ((4,), "uint8"), ((), "uint8"), ((), "uint16")}:
        raise InputError(
            f"{name}: array {list(picture.shape)} of {picture.dtype}, expected [H, W, 3] or [H, W, 4] uint8, "
            "or [H, W] uint8 or uint16"
        )
    return rgb_pixels(Image.fromarray(np.ascontiguousarray(picture)), name)
