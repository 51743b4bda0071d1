"""Recognition heads that grow."""

import pytest
import torch

from fashionvl.models.blocks.widening import widened
from fashionvl.models.kaleido_bert.heads import CategoryHead
from fashionvl.models.mvlt.heads import ClassificationHead


@pytest.mark.parametrize("bias", [True, False])
def test_old_outputs_stay_and_new_ones_are_like_them(bias: bool) -> None:
    torch.manual_seed(0)
    linear = torch.nn.Linear(200, 5, bias)
    states = torch.randn(7, 200)
    wide = widened(linear, 300)
    torch.testing.assert_close(wide(states)[:, :5], linear(states))
    new = wide.weight[5:]
    assert new.std().item() == pytest.approx(linear.weight.std().item(), rel=0.05)
    assert wide.weight.requires_grad
    if bias:
        assert not wide.bias[5:].any()
    assert linear.out_features == 5


@pytest.mark.parametrize(
    "head", [ClassificationHead(8, 6, 3), CategoryHead(8, 3, 0.0)], ids=["MVLT", "Kaleido"]
)
def test_a_widened_head_answers_as_before_and_learns(head) -> None:
    states = torch.randn(4, 8)
    before = head(states)
    head.widen(9)
    after = head(states)
    torch.testing.assert_close(after[:, :3], before)
    after.sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())
