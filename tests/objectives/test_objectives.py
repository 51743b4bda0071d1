"""The three objectives: values computed by hand, and that each can be descended."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from fashionvl.objectives.language import mlm_loss
from fashionvl.objectives.matching import itm_loss
from fashionvl.objectives.reconstruction import mir_loss


def test_itm_by_hand() -> None:
    logits = torch.tensor([[0.0, math.log(3)], [math.log(4), 0.0]])
    # Pair 1 matched with p = 3/4, pair 2 mismatched with p = 4/5.
    assert itm_loss(logits, torch.tensor([1, 0])).item() == pytest.approx(
        -(math.log(0.75) + math.log(0.8)) / 2
    )


def test_mlm_by_hand_asks_the_head_for_masked_positions_only() -> None:
    states = torch.arange(12.0).view(1, 4, 3)
    labels = torch.tensor([[-100, 2, -100, 0]])
    seen = []

    def head(rows: torch.Tensor) -> torch.Tensor:
        seen.append(rows)
        return torch.log(torch.tensor([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]))

    words = mlm_loss(states, labels, head)
    assert words.loss.item() == pytest.approx(-(math.log(0.5) + math.log(0.6)) / 2)
    assert seen[0].tolist() == [[3, 4, 5], [9, 10, 11]]
    assert words.asked.item() == 2
    assert words.accuracy.item() == 1


@given(asked=st.lists(st.booleans(), min_size=12, max_size=12), seed=st.integers(0, 100))
def test_mlm_is_the_same_wherever_the_head_runs(asked: list[bool], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(5, 7, generator=generator)
    chosen = torch.tensor(asked).view(3, 4)
    labels = torch.randint(0, 7, (3, 4), generator=generator).masked_fill(~chosen, -100)
    draw = torch.randn(3, 4, 5, generator=generator)
    found = []
    # Positions known on the host may be more than are asked: those of mismatched pairs among them.
    for options in ({}, {"positions": torch.arange(12)}, {"everywhere": True}):
        states = draw.clone().requires_grad_()
        words = mlm_loss(states, labels, lambda rows: rows @ weight, **options)
        words.loss.backward()
        found.append((*words, states.grad))
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            torch.testing.assert_close(one, two)


def test_mir_by_hand_bends_at_one() -> None:
    original = torch.zeros(1, 3, 1, 2)
    reconstructed = torch.tensor([0.5, -0.5, 1.0, 3.0, -3.0, 0.0]).view(1, 3, 1, 2)
    # 0.5 d^2 below 1, |d| - 0.5 from there on, whatever the sign.
    assert mir_loss(reconstructed, original).item() == pytest.approx(
        (0.125 + 0.125 + 0.5 + 2.5 + 2.5 + 0.0) / 6
    )


def test_nothing_to_learn_from_is_zero_with_a_gradient() -> None:
    weight = torch.ones(3, 3, requires_grad=True)
    words = mlm_loss(torch.ones(1, 2, 3), torch.full((1, 2), -100), lambda rows: rows @ weight)
    assert words.loss.item() == 0
    words.loss.backward()
    assert weight.grad is not None
    assert mir_loss(torch.ones(0, 3, 2, 2), torch.ones(0, 3, 2, 2)).item() == 0


def _descend(
    parameters: list[nn.Parameter], loss: Callable[[], torch.Tensor], steps: int = 20
) -> list[float]:
    optimizer = torch.optim.Adam(parameters, lr=0.1)
    values = []
    for _ in range(steps):
        value = loss()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    return values


@pytest.mark.parametrize("name", ["itm", "mlm", "mir"])
def test_twenty_steps_descend(name: str) -> None:
    torch.manual_seed(0)
    if name == "itm":
        free = nn.Parameter(torch.randn(8, 2))
        values = _descend([free], lambda: itm_loss(free, torch.arange(8) % 2))
    elif name == "mlm":
        free = nn.Parameter(torch.randn(1, 8, 5))
        labels = torch.tensor([[-100, 1, 2, -100, 3, 4, 0, 1]])
        values = _descend([free], lambda: mlm_loss(free, labels, lambda rows: rows)[0])
    else:
        free = nn.Parameter(torch.randn(2, 3, 4, 4))
        target = torch.rand(2, 3, 4, 4)
        values = _descend([free], lambda: mir_loss(free, target))
    assert values[-1] < 0.5 * values[0]
