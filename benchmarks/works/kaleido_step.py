"""Kaleido-BERT's pre-training: a step at the size of BERT base, and what the feature cache is worth to it."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import cycle, islice
from typing import Any

import torch
from torch import Tensor

from benchmarks.catalogue import VOCABULARY
from benchmarks.computing import count_flops
from benchmarks.kaleido_pairs import WORKERS, draw, from_cache, online, tokens
from benchmarks.measure import Mark, Plan, Work
from benchmarks.released.kaleido import MASKED_POSITIONS, released_losses, released_optimizer
from benchmarks.setting import Setting
from benchmarks.works.features import flops_of_crop
from fashionvl.data.records import PairBatch
from fashionvl.models.kaleido_bert import KaleidoBERT
from fashionvl.models.kaleido_bert.backbone import PatchBackbone
from fashionvl.tasks import KaleidoPretraining
from fashionvl.tasks.speed import Speed

LR, CLIP = 2e-5, 1.0  # Kaleido-BERT section 4.1; experiments/kaleido_bert/pretrain.yaml
DRAWN_BATCHES = 4

Losses = Callable[[PairBatch], dict[str, Tensor]]


def build(setting: Setting) -> list[Work]:
    """The step on drawn pairs, released against ours; and from the cache against online."""
    return [step_work(setting), cache_work(setting)]


def step_work(setting: Setting) -> Work:
    """Forward, backward and optimiser, every loss on; the batch waits in memory."""
    torch.manual_seed(0)
    task = KaleidoPretraining(small_or_base(setting)).to(setting.device).train()
    count, plain = setting.pick(2, 8, 256), "tf32" if setting.on_gpu else "fp32"
    batches = [draw(count, task.network, tokens(setting), seed) for seed in range(DRAWN_BATCHES)]
    if setting.on_gpu:
        batches = [batch.pin_memory() for batch in batches]
    flops = flops_of_pair(task, setting)
    return Work(
        "Kaleido-BERT training step",
        [
            Plan("released", plain, _released(deepcopy(task), cycle(batches), setting)),
            Plan("ours", plain, ours(deepcopy(task), cycle(batches), setting)),
            Plan("best", "bf16", ours(best(task, setting), cycle(batches), setting, torch.bfloat16)),
        ],
        flops=flops,
        measures_memory=True,
        note=f"{count} pairs a step, features drawn; FLOPs are counted on the released plan, which decodes "
        f"{MASKED_POSITIONS} words a caption",
    )


def cache_work(setting: Setting) -> Work:
    """Build the work from fetching the batch to the optimiser's step, cache against online."""
    count, cut = setting.pick(2, 2, 256), setting.pick(2, 2, 64)
    size, bf16 = setting.pick(16, 224, 224), torch.bfloat16
    # A turn outlasts what workers fetched ahead during the turns of the other plan.
    steps, cut_steps = setting.pick(1, 1, 4 * WORKERS), setting.pick(1, 1, 2 * WORKERS)
    torch.manual_seed(0)
    backbone = PatchBackbone("resnet50" if setting.full else "resnet10t", weights=None)
    network = small_or_base(setting, backbone.width)
    cached = KaleidoPretraining(deepcopy(network)).to(setting.device).train()
    seeing = KaleidoPretraining(network, backbone=backbone).to(setting.device).train()
    flops = flops_of_pair(cached, setting)
    crops = network.grid.patches + (seeing.grey.patches if seeing.grey else 0)
    photographs = online(setting, seeing.corruption, cut, size)
    features = from_cache(setting, cached.corruption, count, backbone.width)
    return Work(
        "Kaleido-BERT pre-training, cache against online",
        [
            Plan("online", "bf16", ours(best(seeing, setting), photographs, setting, bf16, cut_steps)),
            Plan(
                "cache",
                "bf16",
                ours(best(cached, setting), features, setting, bf16, steps),
                target=3.0,
                least_items_per_s=5000 if setting.on_gpu else None,
                least_mfu=0.4 if setting.on_gpu else None,
            ),
        ],
        flops=flops,
        released_flops=flops + crops * flops_of_crop(backbone, size),
        note=f"cache {count} pairs a step, online {cut} at {size} px a patch; fetching the batch included",
    )


def small_or_base(setting: Setting, patch_width: int | None = None) -> KaleidoBERT:
    """The paper's network with weights as drawn; at size tiny one of two narrow layers."""
    if setting.full:
        return KaleidoBERT(itm="sigmoid", patch_width=patch_width or 2048)
    return KaleidoBERT(
        vocab_size=VOCABULARY,
        hidden_size=32,
        layers=2,
        heads=2,
        intermediate_size=64,
        text_positions=tokens(setting),
        patch_width=patch_width or 16,
        itm="sigmoid",
    )


def flops_of_pair(task: KaleidoPretraining, setting: Setting) -> float:
    """Floating-point operations of forward and backward, the matrix products of the released plan alone.

    There every product is a call of its own, so that nothing escapes the counter. Dropout, norms,
    activations, losses and the optimiser are not counted.
    """
    batch = draw(1, task.network, tokens(setting)).to(setting.device)
    counted = count_flops(lambda: task.total(released_losses(task, batch)).backward())
    task.zero_grad()
    return counted


def best(task: KaleidoPretraining, setting: Setting) -> KaleidoPretraining:
    """The task, its encoder layers compiled one by one on a GPU, its backbone's channels innermost."""
    Speed(compile=setting.on_gpu).apply(task.network)
    if task.backbone is not None:
        task.backbone.to(memory_format=torch.channels_last)
    return task


def _released(
    task: KaleidoPretraining, batches: Iterator[PairBatch], setting: Setting
) -> Callable[[Mark], int]:
    def losses(batch: PairBatch) -> dict[str, Tensor]:
        return released_losses(task, batch)

    return stepping(task, losses, released_optimizer(task, LR), batches, setting, foreach=False)


def ours(
    task: KaleidoPretraining,
    batches: Iterator[PairBatch],
    setting: Setting,
    dtype: torch.dtype = torch.float32,
    steps: int = 1,
) -> Callable[[Mark], int]:
    """The task's own losses and fused AdamW, under autocast where `dtype` is a short one."""

    def losses(batch: PairBatch) -> dict[str, Tensor]:
        with torch.autocast(setting.device.type, dtype, enabled=dtype != torch.float32):
            return task.losses(batch, None)[0]

    learning = [weight for weight in task.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=LR, fused=True)
    return stepping(task, losses, optimizer, batches, setting, steps)


def stepping(
    task: KaleidoPretraining,
    losses: Losses,
    optimizer: torch.optim.Optimizer,
    batches: Iterator[PairBatch],
    setting: Setting,
    steps: int = 1,
    foreach: bool | None = None,
) -> Callable[[Mark], int]:
    """A turn: steps, gradients clipped as in the paper's configuration and let go at each step's end."""
    learning: list[Any] = [weight for weight in task.parameters() if weight.requires_grad]

    def run(mark: Mark) -> int:
        done = 0
        for batch in islice(batches, steps):
            moved = batch.to(setting.device, non_blocking=True)
            mark("data")
            total = task.total(losses(moved))
            mark("forward")
            total.backward()
            mark("backward")
            torch.nn.utils.clip_grad_norm_(learning, CLIP, foreach=foreach)
            optimizer.step()
            optimizer.zero_grad()
            mark("optimiser")
            done += len(batch)
        return done

    return run
