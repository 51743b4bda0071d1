"""A weight below zero would teach the opposite; each objective refuses it under its own key."""

import pytest

from fashionvl.errors import InputError
from fashionvl.objectives.kaleido import Blank, Camouflage, Grey, Jigsaw, Rotation
from fashionvl.objectives.language import AMLM, MLM
from fashionvl.objectives.matching import ITM
from fashionvl.objectives.reconstruction import MIR


@pytest.mark.parametrize("kind", [ITM, MLM, MIR, AMLM, Rotation, Jigsaw, Camouflage, Grey, Blank])
def test_a_negative_weight_is_refused(kind: type) -> None:
    for weight in (-1.0, float("nan")):
        with pytest.raises(
            InputError, match=rf"{kind.__name__.lower()}\.weight: {weight} must be at least 0"
        ):
            kind(weight=weight)
    assert kind(weight=0.0).weight == 0.0


def test_captions_are_matched_masked_or_whole() -> None:
    with pytest.raises(InputError, match=r"itm\.text: 'clean'; it can be masked or whole"):
        ITM(text="clean")  # type: ignore[arg-type]
