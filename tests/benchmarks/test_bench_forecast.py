"""The forecast of paper-scale runs: its formula by hand, and its FLOPs counted on the networks."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.kaleido_pairs import draw
from benchmarks.page.forecast import CROP_FLOPS, CROPS, KALEIDO_FLOPS, MVLT_FLOPS, RUNS, Run
from benchmarks.pairs import draw_mvlt, to_device
from fashionvl.models.kaleido_bert import KaleidoBERT
from fashionvl.models.kaleido_bert.backbone import PatchBackbone
from fashionvl.models.mvlt import MVLT
from fashionvl.patches.crops import Variants
from fashionvl.patches.grid import KaleidoGrid
from fashionvl.tasks import KaleidoPretraining, MVLTPretraining


def test_gpu_hours_by_hand():
    # 2 x 3,600 rows of 98.9 TFLOPs at half of 989 TFLOP/s: 0.2 seconds each.
    assert Run("a run", 3600, 2, 98.9e12, 0.5).gpu_hours == pytest.approx(0.4)
    # 39,072,000 pairs at 989e12 * 0.13 / 33.59e9 = 3,827.6 pairs/s.
    assert RUNS[0].gpu_hours == pytest.approx(39_072_000 / 3827.6 / 3600, rel=1e-4)


@pytest.mark.slow
def test_flops_are_those_of_the_networks():
    pair = to_device(draw_mvlt(1, side=256, vocabulary=30_522, length=128), torch.device("cpu"))
    assert _flops(MVLTPretraining(MVLT()), pair) == pytest.approx(MVLT_FLOPS, rel=2e-3)
    kaleido = KaleidoBERT(itm="sigmoid")
    assert _flops(KaleidoPretraining(kaleido), draw(1, kaleido)) == pytest.approx(KALEIDO_FLOPS, rel=2e-3)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        PatchBackbone("resnet50", weights=None)(torch.rand(1, 3, 224, 224))
    assert counter.get_total_flops() == pytest.approx(CROP_FLOPS, rel=2e-3)
    assert Variants(KaleidoGrid((1, 2, 3, 4, 5))).count == CROPS


def _flops(task, batch):
    with FlopCounterMode(display=False) as counter:
        losses, _ = task.train().losses(batch, 0)
        task.total(losses).backward()
    return counter.get_total_flops()
