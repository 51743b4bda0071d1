"""What a task wants done to clean pairs before it sees them."""

from dataclasses import dataclass

from fashionvl.data.pairing import Pairing
from fashionvl.masking.alignment import AlignmentGuidedMask
from fashionvl.masking.image import ImageMask
from fashionvl.masking.text import TextMask


@dataclass(frozen=True)
class PatchCorruption:
    """What the sub-tasks of AKPM do to kaleido patches (Kaleido-BERT section 3.6).

    Attributes:
        masking: how tokens and patches are chosen (AGM); with ratio 0 no token is.
        rotation: turn the level-1 patch by a random quarter.
        jigsaw: shuffle level 2.
        camouflage: replace one level-3 patch by that of another product.
        grey: level-4 patches that lose their colour.
        blank: patches of `blank_level` that are blanked.
        blank_level: 5 in the paper.
    """

    masking: AlignmentGuidedMask
    rotation: bool = True
    jigsaw: bool = True
    camouflage: bool = True
    grey: int = 2
    blank: int = 3
    blank_level: int = 5

    @property
    def quotas(self) -> dict[int, int]:
        """Patches to choose on each level, by level."""
        asked = {3: int(self.camouflage), 4: self.grey, self.blank_level: self.blank}
        return {level: count for level, count in asked.items() if count}


@dataclass(frozen=True)
class Corruption:
    """Asked of the DataModule by a task; None leaves that part of the pair as it is.

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
