"""Preparation of photographs and captions for a model, as plain data that is saved beside the model."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, Self

from transformers import PreTrainedTokenizerFast

from fashionvl.data.text.encoding import tokenizer_fingerprint
from fashionvl.data.text.loading import load_tokenizer
from fashionvl.errors import InputError
from fashionvl.files.whole import written_whole
from fashionvl.patches.grid import PositionUnit

FILE = "processor.json"
TOKENIZER = "tokenizer"
"""Folder of the tokenizer beside the model."""

FORMAT = 1
"""Version of `processor.json`; raised when a key changes its meaning."""

FIXED = {"resize": "area, then bilinear; aspect ratio ignored", "pixel_range": [0.0, 1.0], "mean_std": None}
"""Settings of every model of the suite: `patches.crops.crop_resize`, then division by 255 and no mean or
standard deviation. Written down for readers; any other value comes from a version that knows more."""


@dataclass(frozen=True)
class PatchPreparation:
    """Conversion of a photograph into kaleido patches.

    Attributes:
        levels: of the grid.
        patch_size: height and width of a crop as the backbone sees it, pixels.
        position_unit: of the patch boxes.
        foreground: how the box that is split was found, as a feature cache names it (`nonwhite`, `whole`,
            `threshold`, `grabcut`, `unet-...`).
        backbone: SHA-256 of the network that computes the features (`PatchBackbone.digest`).
        precision: of the features; a cache holds them as float16.
    """

    levels: tuple[int, ...]
    patch_size: int
    position_unit: PositionUnit
    foreground: str
    backbone: str
    precision: Literal["float16", "float32"] = "float16"


@dataclass(frozen=True)
class Preparation:
    """Conversion of photographs and captions into a model's input.

    Attributes:
        image_size: height and width after the resize, pixels; not used for patches.
        crop: whether a photograph is cropped to its non-white box first; patches say it themselves.
        max_tokens: length that longer captions are cut to.
        pad_to: shorter captions are padded to `max_tokens`, or to the longest of the batch.
        patches: for models that see kaleido patches; None for those that see pixels.
    """

    image_size: int = 256
    crop: bool = True
    max_tokens: int = 128
    pad_to: Literal["max_tokens", "longest"] = "max_tokens"
    patches: PatchPreparation | None = None

    def save(self, folder: Path, tokenizer: PreTrainedTokenizerFast) -> None:
        """Write `processor.json` and `tokenizer/` into a model's folder."""
        tokenizer.save_pretrained(folder / TOKENIZER)
        content = {
            "format": FORMAT,
            **asdict(self),
            **FIXED,
            "tokenizer": {"folder": TOKENIZER, "fingerprint": tokenizer_fingerprint(tokenizer)},
        }
        with written_whole(folder / FILE) as file:
            file.write((json.dumps(content, indent=2) + "\n").encode())

    @classmethod
    def load(cls, folder: Path) -> tuple[Self, PreTrainedTokenizerFast]:
        """Read what `save` wrote.

        Raises:
            InputError: `processor.json` is missing, damaged, or of a newer version; or the tokenizer is
                missing or another one than it was saved with.
        """
        path = folder / FILE
        content = _content(path)
        try:
            found = {entry.name: content[entry.name] for entry in fields(cls)}
            if found["patches"] is not None:
                levels = tuple(int(level) for level in found["patches"]["levels"])
                found["patches"] = PatchPreparation(**{**found["patches"], "levels": levels})
            fingerprint = str(content["tokenizer"]["fingerprint"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{path}: {error} is missing or unknown; save the model again, or update fashionvl"
            ) from error
        preparation = cls(**found)
        preparation._check(path)
        # Not the folder that the file names: a stranger's file must not choose where we read.
        _refuse_code(folder / TOKENIZER)
        tokenizer = load_tokenizer(folder / TOKENIZER)
        if tokenizer_fingerprint(tokenizer) != fingerprint:
            raise InputError(
                f"{folder / TOKENIZER}: another tokenizer than the model was saved with (fingerprint differs "
                f"from {FILE}); copy the folder again"
            )
        return preparation, tokenizer

    def _check(self, path: Path) -> None:
        for name in ("image_size", "max_tokens"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise InputError(f"{path}: {name} is {value!r}, expected a positive whole number")
        if not isinstance(self.crop, bool):
            raise InputError(f"{path}: crop is {self.crop!r}, expected true or false")
        if self.pad_to not in ("max_tokens", "longest"):
            raise InputError(f"{path}: pad_to is {self.pad_to!r}, expected max_tokens or longest")
        if self.patches and self.patches.position_unit not in ("normalised", "pixel"):
            raise InputError(
                f"{path}: position_unit is {self.patches.position_unit!r}, expected normalised or pixel"
            )


def _refuse_code(folder: Path) -> None:
    """Refuse a missing tokenizer, which would be looked up on the hub, and one that brings Python code.

    Raises:
        InputError: naming the folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: missing, the tokenizer is saved beside the model; copy it again")
    for file in sorted(folder.glob("*.json")):
        if b'"auto_map"' in file.read_bytes():
            raise InputError(
                f"{file}: auto_map asks for Python code to be run, which is never done; save a fast tokenizer"
            )


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: missing, the model was saved by an older version; write it with the values of the "
            "run's config.yaml: fashionvl.data.preparation.Preparation(image_size=..., crop=..., "
            f"max_tokens=..., pad_to=...).save(Path({str(path.parent)!r}), load_tokenizer(RUN/tokenizer))"
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error}); copy it again") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a JSON {type(content).__name__}, expected an object")
    if content.get("format") != FORMAT:
        raise InputError(f"{path}: format {content.get('format')}, expected {FORMAT}; update fashionvl")
    for key, value in FIXED.items():
        if content.get(key, value) != value:
            raise InputError(f"{path}: {key} is {content[key]!r}, expected {value!r}; update fashionvl")
    return content
