"""Pairs as the released MVLT code loads them: everything anew for every item, in Python.

Source: `mcloader/fashion_gen.py` of the released code, retold. Left out, to its advantage: the masked copy of
the photograph that it makes beside the clean one, and the token tensors of a task that it abandoned.
"""

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from transformers import PreTrainedTokenizerFast

from benchmarks.measure import Mark, unmarked
from fashionvl.data.catalogue import Split
from fashionvl.data.readers.mvlt_folder import split_folders
from fashionvl.data.readers.safe_pickle import load_plain

BERT_ENTRIES = 30522
UNIT = 16
IGNORED = -1
NEAREST = 50
"""A wrong caption comes from 50 rows further on, or more."""


def load_crop(path: Path) -> Image.Image:
    """A photograph, cut to its black pixels in Pillow's 1-bit conversion; the last row and column are lost.

    Raises:
        ValueError: the photograph is all white.
    """
    with path.open("rb") as file:
        image = Image.open(file)
        rows, columns = np.nonzero(~np.array(image.convert("1")))
        box = (columns.min(), rows.min(), columns.max(), rows.max())
        return image.crop(box).convert("RGB")


class ReleasedItems(Dataset[dict[str, torch.Tensor]]):
    """Pre-training pairs of one split of the MVLT folder layout.

    Attributes:
        mark: told when an item's `photograph`, `text` and `mask` are done.
    """

    def __init__(
        self,
        root: Path,
        tokenizer: PreTrainedTokenizerFast,
        split: Split = "train",
        image_size: int = 256,
        tokens: int = 128,
        entries: int = BERT_ENTRIES,
    ) -> None:
        """List the files.

        Args:
            root: folder of the layout.
            tokenizer: of the captions.
            split: of the layout.
            image_size: pixels.
            tokens: length of a caption, [CLS] and [SEP] included.
            entries: a shorter vocabulary is filled up to so many with entries that no caption holds, so that
                listing it costs what listing BERT's costs.
        """
        images, infos = split_folders(root, split)
        self.images, self.infos = sorted(images.iterdir()), sorted(infos.iterdir())
        self.image_size, self.tokens = image_size, tokens
        self.mark: Mark = unmarked
        self._tokenizer = tokenizer
        # A plain dictionary, as BERT's tokenizer kept it when the code was released.
        self._vocabulary: dict[str, int] = dict(tokenizer.get_vocab())
        for number in range(len(self._vocabulary), entries):
            self._vocabulary[f"[unused{number}]"] = number

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """One pair: `image [3, S, S]`, `mask [1, S, S]` float, text tensors `[L]` and labels int64."""
        matched = random.random() <= 0.5
        entry = load_plain(self.infos[index if matched else self._another(index)])
        image = self.photograph(index)
        self.mark("photograph")
        mask = torch.Tensor(grid_mask(self.image_size, UNIT))
        self.mark("mask")
        text = self.text(entry["captions"])
        self.mark("text")
        return {
            "image": image,
            "mask": mask,
            **text,
            "itm_labels": torch.tensor([int(matched)]),
            "category": torch.tensor([int(entry["super_cls_id"])]),
            "subcategory": torch.tensor([int(entry["sub_cls_id"])]),
        }

    def _another(self, index: int) -> int:
        return (index + random.randint(NEAREST, max(NEAREST, len(self) // 2))) % len(self)

    def photograph(self, index: int) -> torch.Tensor:
        """`[3, S, S]` float in [0, 1]."""
        crop = load_crop(self.images[index]).resize((self.image_size,) * 2, Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(crop)).permute(2, 0, 1).contiguous().float().div(255)

    def text(self, caption: str) -> dict[str, torch.Tensor]:
        """A caption tokenised, masked and padded; `original_ids` are those before masking."""
        pieces = self._tokenizer.tokenize(caption)[: self.tokens - 2]
        masked, labels = self.mask_pieces(pieces)
        padding = self.tokens - len(pieces) - 2
        return {
            "input_ids": torch.tensor(self._ids(masked, padding)),
            "original_ids": torch.tensor(self._ids(pieces, padding)),
            "attention_mask": torch.tensor([1] * (len(pieces) + 2) + [0] * padding),
            "token_type_ids": torch.tensor([0] * self.tokens),
            "mlm_labels": torch.tensor([IGNORED, *labels, IGNORED] + [IGNORED] * padding),
        }

    def _ids(self, pieces: list[str], padding: int) -> list[int]:
        framed = [self._tokenizer.cls_token, *pieces, self._tokenizer.sep_token]
        framed += [self._tokenizer.pad_token] * padding
        return [self._vocabulary[piece] for piece in framed]

    def mask_pieces(self, pieces: list[str], ratio: float = 0.15) -> tuple[list[str], list[int]]:
        """Mask word pieces, each with chance `ratio`; the whole vocabulary is listed for every random one.

        Returns:
            The pieces after masking, and labels: the original id where a piece was chosen, -1 elsewhere.
        """
        masked, labels = [], []
        for piece in pieces:
            chance = random.random() / ratio
            if chance < 0.8:
                masked.append(str(self._tokenizer.mask_token))
            elif chance < 0.9:
                masked.append(random.choice(list(self._vocabulary.items()))[0])
            else:
                masked.append(piece)
            labels.append(self._vocabulary[piece] if chance < 1 else IGNORED)
        return masked, labels


def grid_mask(size: int, unit: int, ratio: float = 0.5) -> np.ndarray:
    """The released random grid, put together unit by unit; `[1, size, size]`, 1 where hidden.

    Row i is made of the shuffled units i .. i + n - 1 (see `released_units` of `fashionvl.masking.image`).
    """
    side = size // unit
    hidden = int(ratio * side * side)
    units = [np.full((unit, unit), float(number < hidden)) for number in range(side * side)]
    random.shuffle(units)
    bands = []
    for start in range(side):
        window = units[start : start + side]
        random.shuffle(window)
        bands.append(np.hstack(window))
    return np.vstack(bands)[None]


def released_loader(items: ReleasedItems, batch_size: int, workers: int = 0) -> DataLoader[Any]:
    """Shuffled batches, put together by torch's default collate."""
    return DataLoader(items, batch_size, shuffle=True, num_workers=workers, drop_last=True)
