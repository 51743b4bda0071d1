"""Cost of a run."""

from types import SimpleNamespace

import torch
from torch import Tensor, nn

from fashionvl.data.records import Pairs, Patches
from fashionvl.models.kaleido_bert import KaleidoBERT
from fashionvl.tasks import KaleidoPretraining
from fashionvl.training.cost import forward_flops

TOKENS, WIDTH = 4, 12


class Nothing(nn.Module):
    """A backbone that sees nothing."""

    width = WIDTH

    def forward(self, pixel_values: Tensor) -> Tensor:
        raise AssertionError("the backbone's work is not the network's")


def test_patches_cut_online_cost_the_network_what_cached_ones_do() -> None:
    sizes = {"vocab_size": 20, "hidden_size": 8, "layers": 1, "heads": 2, "intermediate_size": 16}
    network = KaleidoBERT(**sizes, text_positions=TOKENS, patch_width=WIDTH)  # type: ignore[arg-type]
    ids, boxes = torch.zeros(1, TOKENS, dtype=torch.int64), torch.zeros(1, 55, 5)

    def count(features: Tensor, backbone: nn.Module | None) -> int | None:
        pair = Pairs(torch.zeros(1, 0), ids, torch.ones_like(ids), patches=Patches(features, boxes))
        task = KaleidoPretraining(network, backbone=backbone)  # type: ignore[arg-type]
        task.data = SimpleNamespace(blank_pair=lambda device: pair)  # type: ignore[assignment]
        return forward_flops(task)

    cached = count(torch.zeros(1, 55, WIDTH), None)
    online = count(torch.zeros(1, 55, 3, 4, 4, dtype=torch.uint8), Nothing())
    assert cached is not None
    assert cached > 2 * 55 * WIDTH * 8  # the projection of the patches alone
    assert online == cached
