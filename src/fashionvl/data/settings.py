"""Settings of the DataModule: their ranges, and those of captions and photographs as two groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fashionvl.data.visual.kaleido import Kaleido
from fashionvl.errors import InputError, check_range

SMALLEST = {
    "image_size": 1,
    "vocabulary": 1,
    "min_count": 1,
    "max_tokens": 2,  # begin and end mark
    "batch_size": 1,
    "test_batch_size": 1,
    "num_workers": 0,
    "prefetch": 1,
    "split_seed": 0,
    "generated_images": 0,
    "captioned_images": 0,
}
"""Smallest value of each number of the DataModule."""


@dataclass(frozen=True)
class CaptionSettings:
    """Settings by which captions become token ids; each as the DataModule's argument of that name."""

    tokenizer: str
    vocabulary: int
    min_count: int
    max_tokens: int
    pad_to: Literal["max_tokens", "longest"]


@dataclass(frozen=True)
class PhotographSettings:
    """Settings by which photographs become input; each as the DataModule's argument of that name."""

    image_size: int
    crop: bool
    store_images: bool
    resize_on: Literal["loader", "device"]
    kaleido: Kaleido | None

    @property
    def stored_size(self) -> int | None:
        """Pixels of the photographs kept beside the index; None where none are, as for patches."""
        return self.image_size if self.store_images and self.kaleido is None else None


def check_arguments(given: Mapping[str, Any]) -> None:
    """Refuse arguments of the DataModule that are out of range or exclude each other; no file is read.

    Args:
        given: every argument by name.

    Raises:
        InputError: naming the key.
    """
    for name, least in SMALLEST.items():
        check_range(f"data.init_args.{name}", given[name], least)
    if not 0 <= given["dev_share"] < 1:
        raise InputError(f"data.init_args.dev_share: {given['dev_share']} is outside [0, 1)")
    if given["root"] == "":
        raise InputError("data.init_args.root: empty; name a folder or a table, or leave it out")
    needs_root = given["layout"] in ("mvlt", "table") or given["table"] is not None
    if given["root"] is None and needs_root:
        raise InputError("data.init_args.root: this layout needs a folder; none was given")
    if given["resize_on"] == "device" and given["store_images"]:
        raise InputError("data.init_args.resize_on: device excludes store_images; set one of them only")
