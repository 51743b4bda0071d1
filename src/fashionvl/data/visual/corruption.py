"""Corruption of kaleido patches by the sub-tasks of AKPM."""

from dataclasses import dataclass

from fashionvl.masking.alignment import AlignmentGuidedMask


@dataclass(frozen=True)
class PatchCorruption:
    """Settings for the corruption of kaleido patches by AKPM (Kaleido-BERT section 3.6).

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
