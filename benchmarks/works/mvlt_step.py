"""A pre-training step of MVLT: all three losses on masked photographs and masked captions."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice, repeat

import torch

from benchmarks.catalogue import data_module, train_loader
from benchmarks.computing import precision
from benchmarks.machine import multiplies_bf16
from benchmarks.measure import Mark, Plan, Work
from benchmarks.mvlt import COUNTED, PLAIN, draw, image_size, network, released_loss, step_flops, task_loss
from benchmarks.pairs import to_device
from benchmarks.setting import Setting
from benchmarks.works.loader import endless
from fashionvl.data.records import PairBatch
from fashionvl.models.mvlt import MVLT
from fashionvl.tasks import MVLTPretraining
from fashionvl.tasks.optimization import Optimization
from fashionvl.tasks.speed import Speed

OPTIMIZATION = Optimization(lr=1e-4)
LOADERS = 8
"""Loading processes beside a GPU, as in experiments/mvlt/pretrain.yaml."""


def fastest(setting: Setting) -> Speed:
    """Return the fastest options measured; on a CPU compiling and channels-last gain nothing."""
    return Speed(compile=setting.on_gpu, channels_last=setting.on_gpu)


def released_step(model: MVLT, optimizer: torch.optim.Optimizer, batch: PairBatch, mark: Mark) -> int:
    """Make one step of the released plan."""
    moved = to_device(batch, next(model.parameters()).device)
    mark("data")
    loss = released_loss(model, moved)
    mark("forward")
    _learn(loss, optimizer, mark)
    return len(batch)


def suite_step(
    task: MVLTPretraining, optimizer: torch.optim.Optimizer, batch: PairBatch, name: str, mark: Mark
) -> int:
    """Make one step of the suite's task in one precision."""
    moved = to_device(batch, task.device)
    mark("data")
    with precision(name, task.device):
        loss = task_loss(task, moved)
    mark("forward")
    _learn(loss, optimizer, mark)
    return len(batch)


def _learn(loss: torch.Tensor, optimizer: torch.optim.Optimizer, mark: Mark) -> None:
    loss.backward()
    mark("backward")
    optimizer.step()
    # Here, not at the next step's start: what stands between turns is the idle model alone.
    optimizer.zero_grad()
    mark("optimiser")


def suite_plan(
    setting: Setting,
    batch: PairBatch,
    name: str,
    precise: str,
    speed: Speed,
    optimization: Optimization = OPTIMIZATION,
    **targets: float | None,
) -> Plan:
    """A plan that trains a network of its own through the suite's task; `targets` as in `Plan`."""
    task = MVLTPretraining(network(setting), speed=speed).to(setting.device).train()
    optimizer = optimization.build(task, 1000, 100, len(batch), optimization.fused)["optimizer"]
    return Plan(name, precise, partial(suite_step, task, optimizer, batch, precise), **targets)


def released_plan(setting: Setting, batch: PairBatch, precise: str) -> Plan:
    """The released plan; its AdamW goes through the weights one by one."""
    model = network(setting, PLAIN).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=1e-4, foreach=False, fused=False)
    return Plan("released", precise, partial(released_step, model, optimizer, batch))


def plans(setting: Setting, *, batch: int, image_size: int) -> list[Plan]:
    """Released, ours in the same precision, the same without keeping activations, and ours at its fastest.

    Args:
        setting: device and size.
        batch: pairs of a step.
        image_size: pixels of a side; position tables are resized where it is not the network's.
    """
    pairs = draw(setting, batch, image_size)
    same = "tf32" if setting.on_gpu else "fp32"
    speed = Speed(tf32=setting.on_gpu)
    if setting.on_gpu:
        ours = suite_plan(setting, pairs, "ours", same, speed, target=2.0)
        frugal = suite_plan(setting, pairs, "frugal", same, replace(speed, recompute=True), most_memory=0.6)
        best = suite_plan(
            setting,
            pairs,
            "best",
            "bf16",
            fastest(setting),
            target=4.0,
            least_items_per_s=4000,
            least_mfu=0.18,
        )
    else:
        ours = suite_plan(setting, pairs, "ours", same, speed, target=1.5)
        frugal = suite_plan(setting, pairs, "frugal", same, replace(speed, recompute=True), most_memory=0.65)
        best = suite_plan(
            setting, pairs, "best", "bf16", fastest(setting), target=2.7 if multiplies_bf16() else None
        )
    return [released_plan(setting, pairs, same), ours, frugal, best]


def fed_work(setting: Setting) -> Work:
    """The fastest step on a batch in memory, and on what loading processes bring: how long a GPU idles."""
    count, steps = setting.pick(tiny=2, cpu=8, gpu=256), setting.pick(tiny=1, cpu=1, gpu=2 * LOADERS)
    data = data_module(setting, count, num_workers=LOADERS if setting.on_gpu else 0)
    fed = endless(train_loader(data))
    plans = []
    for name, batches, target in (("in memory", repeat(next(fed)), None), ("fed", fed, 0.95)):
        task = MVLTPretraining(network(setting), speed=fastest(setting)).to(setting.device).train()
        optimizer = OPTIMIZATION.build(task, 1000, 100, count)["optimizer"]
        plans.append(Plan(name, "bf16", partial(_steps, task, optimizer, batches, steps), target=target))
    return Work(
        "MVLT training step, fed by the loader",
        plans,
        flops=step_flops(setting, COUNTED),
        note=f"{count} pairs a step, {data.num_workers} loading processes; 1 - ratio is time spent waiting",
    )


def _steps(
    task: MVLTPretraining,
    optimizer: torch.optim.Optimizer,
    batches: Iterator[PairBatch],
    steps: int,
    mark: Mark,
) -> int:
    return sum(suite_step(task, optimizer, batch, "bf16", mark) for batch in islice(batches, steps))


def build(setting: Setting) -> list[Work]:
    """The step at the papers' size; beside a GPU also as the loader feeds it."""
    side = image_size(setting)
    count = setting.pick(tiny=2, cpu=8, gpu=256)
    fed = [fed_work(setting)] if setting.on_gpu or not setting.full else []
    return [
        Work(
            "MVLT training step",
            plans(setting, batch=count, image_size=side),
            flops=step_flops(setting, COUNTED, side),
            released_flops=step_flops(setting, PLAIN, side),
            measures_memory=True,
            note=f"batch {count}, {side} px, 128 tokens, 18 of them masked",
        ),
        *fed,
    ]
