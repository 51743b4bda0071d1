"""The AKPM losses and the sigmoid ITM: values by hand, identities, and that they can be descended."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fashionvl.errors import InputError
from fashionvl.objectives.kaleido import Blank, Grey, GreyTarget, blank_loss, choice_loss, grey_loss
from fashionvl.objectives.matching import itm_loss, says_match


def logs(*chances: float) -> list[float]:
    return [math.log(chance) for chance in chances]


def test_choices_by_hand() -> None:
    logits = torch.tensor([logs(0.5, 0.25, 0.25), logs(0.1, 0.1, 0.8)])
    expected = -(math.log(0.25) + math.log(0.8)) / 2
    assert choice_loss(logits, torch.tensor([1, 2])).item() == pytest.approx(expected)


def test_blank_by_hand() -> None:
    hidden = torch.tensor([[logs(0.5, 0.5), logs(0.75, 0.25)]]) + 3
    predicted = torch.tensor([[logs(0.25, 0.75), logs(0.75, 0.25)]]) - 1
    expected = (0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)) / 2
    assert blank_loss(predicted, hidden).item() == pytest.approx(expected, abs=1e-6)


def test_grey_by_hand() -> None:
    # Patch one has e^x = (1, 1), patch two (3, 3): shares 1/4 and 3/4 of one softmax over both.
    colour = torch.tensor([[logs(1, 1), logs(3, 3)]])
    predicted = torch.tensor([[logs(0.25, 0.75), logs(0.5, 0.5)]])
    apart = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    assert grey_loss(predicted, colour).item() == pytest.approx(apart / 2, abs=1e-6)
    joint = (0.25 * (apart + math.log(0.25)) + 0.75 * math.log(0.75)) / 2
    assert grey_loss(predicted, colour, "joint").item() == pytest.approx(joint, abs=1e-6)
    assert joint < 0


@settings(deadline=None)
@given(seed=st.integers(0, 999), patches=st.integers(1, 4))
def test_joint_is_the_share_weighted_divergence(seed: int, patches: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    colour, predicted = torch.randn(2, 3, patches, 5, generator=generator)
    share = colour.exp().sum(-1) / colour.exp().sum((1, 2))[:, None]
    apart = torch.stack(
        [
            torch.stack(
                [
                    grey_loss(predicted[pair, patch][None, None], colour[pair, patch][None, None])
                    for patch in range(patches)
                ]
            )
            for pair in range(3)
        ]
    )
    expected = (share * (apart + share.log())).mean()
    torch.testing.assert_close(grey_loss(predicted, colour, "joint"), expected, rtol=1e-4, atol=1e-5)


def test_divergence_is_clipped_and_computed_in_float32() -> None:
    hidden = torch.tensor([[[0.0, 0.0]]])
    sure = torch.tensor([[[-500.0, 500.0]]])
    expected = 0.5 * math.log(0.5 / 1e-7) + 0.5 * math.log(0.5)
    assert blank_loss(sure, hidden).item() == pytest.approx(expected, rel=1e-5)
    for loss in (blank_loss, grey_loss):
        value = loss(torch.randn(2, 3, 2048).bfloat16(), torch.randn(2, 3, 2048).half())
        assert value.dtype == torch.float32
        assert value > 0
    assert blank_loss(hidden, hidden).item() == pytest.approx(0, abs=1e-6)


def test_sigmoid_matching_by_hand() -> None:
    logits = torch.tensor([[math.log(3)], [math.log(0.25)]])
    expected = -(math.log(0.75) + math.log(0.8)) / 2
    assert itm_loss(logits, torch.tensor([1, 0])).item() == pytest.approx(expected)
    # The same chances as a softmax.
    two = torch.tensor([[0.0, math.log(3)], [math.log(4), 0.0]])
    assert itm_loss(two, torch.tensor([1, 0])).item() == pytest.approx(expected)
    assert says_match(logits).tolist() == says_match(two).tolist() == [True, False]


def test_no_pair_to_learn_from_is_zero_with_a_gradient() -> None:
    free = torch.ones(0, 2, 3, requires_grad=True)
    for loss in (
        choice_loss(free[:, 0], torch.empty(0, dtype=torch.long)),
        grey_loss(free, torch.empty(0, 2, 3)),
        blank_loss(free, torch.empty(0, 2, 3)),
    ):
        assert loss.item() == 0
        loss.backward()


@pytest.mark.parametrize("target", ["per_patch", "joint"])
def test_a_hundred_steps_find_the_colours(target: GreyTarget) -> None:
    torch.manual_seed(0)
    free, colour = nn.Parameter(torch.randn(4, 2, 6)), torch.randn(4, 2, 6)
    optimizer = torch.optim.Adam([free], lr=0.2)
    for _ in range(100):
        loss = grey_loss(free, colour, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.testing.assert_close(free.softmax(-1), colour.softmax(-1), rtol=0, atol=0.01)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Grey(patches=0), r"grey.patches: 0 is outside 1..16"),
        (lambda: Grey(patches=17), r"grey.patches: 17 is outside 1..16, those of its level"),
        (lambda: Grey(target="both"), r"grey.target: 'both' is neither per_patch nor joint"),
        (lambda: Blank(patches=0), r"blank.patches: 0 must be at least 1"),
    ],
)
def test_values_out_of_range_are_named(build, words: str) -> None:
    with pytest.raises(InputError, match=words):
        build()
