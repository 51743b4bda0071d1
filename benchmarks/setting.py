"""Device, size and duration of the measurements."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

Size = Literal["full", "tiny"]


@dataclass(frozen=True)
class Setting:
    """Device, size and duration for which works are built.

    Attributes:
        device: that computes.
        size: `full` is the papers' setting (256 px, 128 tokens, 30,522 word pieces, BERT base); `tiny` runs
            through in seconds and says nothing about speed.
        scratch: folder for catalogues and caches; kept, so that a second run starts at once.
        seconds: a work is measured about so long, beyond three rounds.
    """

    device: torch.device
    size: Size
    scratch: Path
    seconds: float = 30.0

    @property
    def full(self) -> bool:
        """True for the papers' setting."""
        return self.size == "full"

    @property
    def on_gpu(self) -> bool:
        """True where the device is a GPU."""
        return self.device.type == "cuda"

    def pick(self, tiny: int, cpu: int, gpu: int) -> int:
        """A batch size or count for this size and device."""
        if not self.full:
            return tiny
        return gpu if self.on_gpu else cpu
