"""The optimiser's spec."""

import math

import pytest
import torch
from torch import nn

from fashionvl.errors import InputError
from fashionvl.tasks.optimization import Optimization


def _learning_rates(spec: Optimization, steps: int, global_batch: int = 512) -> list[float]:
    built = spec.build(nn.Linear(2, 2), steps, steps / 10, global_batch)
    optimizer, schedule = built["optimizer"], built["lr_scheduler"]["scheduler"]
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


def test_cosine_from_the_peak_to_nothing() -> None:
    rates = _learning_rates(Optimization(lr=1.0), 100)
    assert rates[0] == 1.0
    assert rates[50] == pytest.approx(0.5)
    assert rates[99] == pytest.approx(0.5 * (1 + math.cos(0.99 * math.pi)))


def test_warm_up_is_linear_and_ends_at_the_peak() -> None:
    rates = _learning_rates(Optimization(lr=1.0, warmup_epochs=2), 100)
    assert rates[:3] == pytest.approx([1 / 21, 2 / 21, 3 / 21])
    assert max(rates) == rates[20] == pytest.approx(1.0)


def test_steps_fall_after_whole_epochs() -> None:
    """A hundred steps are ten epochs here; VSE++ falls once, after 15 of 30."""
    rates = _learning_rates(Optimization(lr=1.0, schedule="step", drop_epochs=4), 100)
    assert rates == pytest.approx([1.0] * 40 + [0.1] * 40 + [0.01] * 20)
    warmed = _learning_rates(Optimization(lr=1.0, schedule="step", drop_epochs=4, warmup_epochs=1), 100)
    assert warmed[4] == pytest.approx(5 / 11)
    assert warmed[45] == pytest.approx(0.1)
    with pytest.raises(InputError, match=r"drop_epochs: 0"):
        Optimization(drop_epochs=0)


def test_the_released_scaling_by_the_global_batch() -> None:
    assert _learning_rates(Optimization(lr=1.0, scale_lr="linear"), 10, 1200)[0] == pytest.approx(1200 / 512)


def test_vectors_are_not_decayed() -> None:
    module = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3))
    groups = Optimization(weight_decay=0.1).build(module, 10, 1, 1)["optimizer"].param_groups
    decayed = {id(p) for group in groups if group["weight_decay"] > 0 for p in group["params"]}
    assert decayed == {id(module[0].weight)}
    assert sum(len(group["params"]) for group in groups) == 4


def test_frozen_parameters_are_left_out() -> None:
    module = nn.Linear(3, 3)
    module.bias.requires_grad_(False)
    optimizer = Optimization().build(module, 10, 1, 1)["optimizer"]
    assert [p for group in optimizer.param_groups for p in group["params"]] == [module.weight]
    assert isinstance(optimizer, torch.optim.AdamW)


@pytest.mark.parametrize(("key", "value"), [("lr", 0.0), ("warmup_epochs", -1)])
def test_values_out_of_range_are_named(key: str, value: float) -> None:
    with pytest.raises(InputError, match=rf"optimization\.{key}"):
        Optimization(**{key: value})
