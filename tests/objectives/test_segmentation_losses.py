"""Losses of the saliency network."""

import pytest
import torch
from torch import Tensor

from fashionvl.objectives.segmentation import cross_entropy, dice_loss

SURE = 30.0


def _target(share: float) -> Tensor:
    target = torch.zeros(2, 1, 8, 8)
    target[..., :4, :] = share
    return target


def test_a_certain_and_right_answer_costs_nothing() -> None:
    target = _target(1)
    logits = SURE * (2 * target - 1)
    assert float(cross_entropy(logits, target)) == pytest.approx(0, abs=1e-6)
    assert float(dice_loss(logits, target)) == pytest.approx(0, abs=1e-6)
    assert float(cross_entropy(-logits, target)) == pytest.approx(SURE)
    assert float(dice_loss(-logits, target)) == pytest.approx(1 - 1 / 65)


def test_nothing_found_where_nothing_is_costs_nothing() -> None:
    logits, empty = torch.full((2, 1, 8, 8), -SURE), torch.zeros(2, 1, 8, 8)
    assert float(dice_loss(logits, empty)) == pytest.approx(0, abs=1e-6)
    assert float(dice_loss(-logits, empty)) > 0.9


@pytest.mark.parametrize("loss", [cross_entropy, dice_loss])
def test_the_least_is_at_the_share_that_is_covered(loss) -> None:  # type: ignore[no-untyped-def]
    target = _target(0.3)
    best = float(loss(torch.logit(target, eps=1e-9), target))
    for share in (0.2, 0.4, 0.9):
        assert float(loss(torch.logit(_target(share), eps=1e-9), target)) > best


def test_dice_counts_each_photograph_alike_whatever_its_product_s_size() -> None:
    small = torch.zeros(1, 1, 64, 64)
    small[..., :8, :8] = 1
    large = torch.ones(1, 1, 64, 64)
    missed = torch.full((1, 1, 64, 64), -SURE)
    both = dice_loss(torch.cat([missed, SURE * large]), torch.cat([small, large]))
    assert float(both) == pytest.approx(float(dice_loss(missed, small)) / 2, abs=1e-6)
