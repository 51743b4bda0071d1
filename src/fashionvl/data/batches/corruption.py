"""The corruption of clean pairs that a task asks for: masks and mismatched captions."""

from dataclasses import dataclass

from fashionvl.data.batches.pairing import Pairing
from fashionvl.data.visual.corruption import PatchCorruption
from fashionvl.masking.image import ImageMask
from fashionvl.masking.text import TextMask


@dataclass(frozen=True)
class Corruption:
    """Corruption of pairs that a task asks of the DataModule; None leaves that part of a pair as it is.

    Attributes:
        image: pixels to hide. The mask travels beside the clean photograph; the task applies it.
        text: tokens to mask, with their labels.
        pairing: mismatched captions for image-text matching.
        patches: for photographs that come as patches; tokens are then masked together with them.
    """

    image: ImageMask | None = None
    text: TextMask | None = None
    pairing: Pairing | None = None
    patches: PatchCorruption | None = None


CLEAN = Corruption()
