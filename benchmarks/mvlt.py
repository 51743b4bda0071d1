"""MVLT-tiny at the papers' setting, its pre-training loss, and the released way of computing it."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.computing import count_flops
from benchmarks.pairs import draw_mvlt
from benchmarks.setting import Setting
from fashionvl.data.records import PairBatch
from fashionvl.masking.image import hide
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.models.mvlt import MVLT
from fashionvl.tasks import MVLTPretraining
from fashionvl.tasks.speed import Speed

IMAGE_SIZE, TOKENS = 256, 128
"""MVLT section 4.1."""

TINY: dict[str, Any] = {
    "image_size": 64,
    "embed_dims": [8, 16, 24, 32],
    "depths": [1, 1, 1, 1],
    "num_heads": [1, 1, 2, 2],
    "mlp_ratios": [2, 2, 2, 2],
    "vocab_size": 1000,
    "text_width": 24,
    "decoder_width": 8,
}
PLAIN = Speed(needed_only=False, fused_attention=False, in_place=False)
"""Every state and every position, scores written out: how the released code computes."""
COUNTED = Speed(fused_attention=False)
"""The suite's way as torch's counter sees it whole: some fused attention kernels it does not know."""


def network(setting: Setting, speed: Speed = Speed(), seed: int = 0) -> MVLT:  # noqa: B008 - frozen
    """MVLT-tiny with the released decoder, weights drawn from `seed`."""
    torch.manual_seed(seed)
    model = MVLT(decoder="partial", **({} if setting.full else TINY))
    speed.apply(model)
    return model.to(setting.device)


def image_size(setting: Setting) -> int:
    """Pixels of a side."""
    return IMAGE_SIZE if setting.full else TINY["image_size"]


def draw(setting: Setting, count: int, side: int | None = None, seed: int = 0) -> PairBatch:
    """Draw pairs at this setting, on the host; pinned where a GPU is to fetch them."""
    vocabulary = 30_522 if setting.full else TINY["vocab_size"]
    batch = draw_mvlt(count, side or image_size(setting), vocabulary, TOKENS, seed)
    return batch.pin_memory() if setting.on_gpu else batch


def released_loss(model: MVLT, batch: PairBatch) -> Tensor:
    """The weighted sum of MVLT Eq. 8 as the released code comes to it: every head, words at all positions."""
    if batch.image_mask is None or batch.mlm_labels is None:
        raise RuntimeError("the batch masks nothing")
    found = model(hide(batch.pixel_values, batch.image_mask), batch.input_ids)
    words = F.cross_entropy(
        found["mlm_logits"].flatten(0, 1), batch.mlm_labels.flatten(), ignore_index=IGNORED_LABEL
    )
    matching = F.cross_entropy(found["itm_logits"][:, 0], batch.itm_labels)
    return 10 * F.smooth_l1_loss(found["t2i_logits"], batch.pixel_values) + matching + words


def task_loss(task: MVLTPretraining, batch: PairBatch) -> Tensor:
    """Weighted sum of the losses as the suite's task computes it."""
    losses, _ = task.view_losses(batch, masked=True)
    return task.total(losses)


def step_flops(setting: Setting, speed: Speed = COUNTED, side: int | None = None) -> int:
    """Count FLOPs of a pre-training step of one pair, forward and backward, on the meta device.

    MVLT-tiny at full size: 50.4 G under `PLAIN`, 34.2 G under `COUNTED`.
    """
    task = MVLTPretraining(network(setting), speed=speed).to("meta")
    batch = draw(setting, 1, side)
    batch.pixel_values = batch.pixel_values.float()
    batch = batch.to("meta")
    return count_flops(lambda: task_loss(task, batch).backward())
