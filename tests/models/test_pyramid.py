"""The visual pyramid as it is drawn."""

import math
from typing import Literal

import pytest
import torch
from torch import nn

from fashionvl.models.pyramid import PyramidClassifier


@pytest.mark.parametrize("initialization", ["pvt", "xavier"])
def test_linear_layers_are_drawn_as_said(initialization: Literal["pvt", "xavier"]) -> None:
    torch.manual_seed(0)
    network = PyramidClassifier(
        image_size=64, embed_dims=[32] * 4, depths=[1] * 4, num_heads=[1] * 4, mlp_ratios=[4] * 4,
        sr_ratios=[4, 2, 1, 1], initialization=initialization,
    )  # fmt: skip
    layers = [layer for layer in network.pvt.modules() if isinstance(layer, nn.Linear)]
    assert layers
    for layer in layers:
        by_width = math.sqrt(2 / (layer.in_features + layer.out_features))
        expected = by_width if initialization == "xavier" else 0.02
        assert float(layer.weight.detach().std()) == pytest.approx(expected, rel=0.1)
