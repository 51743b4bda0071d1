"""Gain of each speed-up alone, off against on: `python -m benchmarks.changes`.

Expectations were written beforehand, in changes.yaml.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from benchmarks.catalogue import data_module
from benchmarks.command import parse
from benchmarks.machine import facts
from benchmarks.measure import CONTROL, Mark, Plan, Ratio, Work, rounds
from benchmarks.mvlt import draw, image_size, network
from benchmarks.record import RESULTS, Result, load, others, save, show
from benchmarks.setting import Setting
from benchmarks.works.loader import suite_turns
from benchmarks.works.mvlt_retrieval import batches, released_turn, suite_turn
from benchmarks.works.mvlt_step import OPTIMIZATION, suite_plan
from fashionvl.data.records import RetrievalBatch
from fashionvl.models.mvlt import MVLT
from fashionvl.tasks.speed import Speed

ON, OFF = Speed(), Speed(needed_only=False)


def _step(setting: Setting, off: Speed, on: Speed, precise: tuple[str, str]) -> list[Plan]:
    count = setting.pick(tiny=2, cpu=4, gpu=256)
    batch = draw(setting, count, image_size(setting))
    choices = (("off", precise[0], off), ("on", precise[1], on))
    return [suite_plan(setting, batch, name, how, speed) for name, how, speed in choices]


def _optimiser(setting: Setting) -> list[Plan]:
    batch = draw(setting, setting.pick(tiny=2, cpu=4, gpu=256))
    return [
        suite_plan(setting, batch, name, "fp32", ON, replace(OPTIMIZATION, fused=fused))
        for name, fused in (("off", False), ("on", True))
    ]


def _retrieval(setting: Setting, off: Callable[..., int], on: Speed, before: Speed = OFF) -> list[Plan]:
    queries = batches(setting, 1, setting.pick(tiny=4, cpu=16, gpu=101))
    return [
        Plan("off", "fp32", partial(off, network(setting, before).eval(), queries)),
        Plan("on", "fp32", partial(_fp32_turn, network(setting, on).eval(), queries)),
    ]


def _fp32_turn(model: MVLT, queries: list[RetrievalBatch], mark: Mark) -> int:
    return suite_turn(model, queries, "fp32", mark)


@contextmanager
def _whole_lists() -> Iterator[None]:
    """All candidates of a query in one forward, as the released plan takes them."""
    with mock.patch("fashionvl.tasks.retrieval.BYTES_AT_ONCE", 2**40):
        yield


def _heads(setting: Setting) -> list[Plan]:
    off, on = _retrieval(setting, released_turn, OFF)

    def matching_only(mark: Mark) -> int:
        with _whole_lists():
            return on.run(mark)

    return [off, replace(on, run=matching_only)]


def _chunks(setting: Setting) -> list[Plan]:
    plans = _retrieval(setting, _fp32_turn, ON)

    def whole_lists(mark: Mark) -> int:
        with _whole_lists():
            return plans[1].run(mark)

    return [replace(plans[0], run=whole_lists), plans[1]]


def _loading(setting: Setting, **on: Any) -> list[Plan]:
    size = setting.pick(tiny=4, cpu=64, gpu=256)
    off = {"mapped": False} if "mapped" in on else {}
    return [
        Plan(name, "fp32", suite_turns(setting, data_module(setting, size, **options)))
        for name, options in (("off", off), ("on", on))
    ]


def _widened(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float = 0.0, fused: bool = True
) -> Tensor:
    """Attention in float32 inside a bfloat16 step, as it was before."""
    with torch.autocast(query.device.type, enabled=False):
        mixed = F.scaled_dot_product_attention(
            query.float(), key.float(), value.float(), attn_mask=mask, dropout_p=dropout
        )
    return mixed.to(query.dtype)


@contextmanager
def _attending(attend: Callable[..., Tensor] | None) -> Iterator[None]:
    if attend is None:
        yield
        return
    with mock.patch("fashionvl.models.mvlt.layers.attend", attend):
        yield


def _attention(setting: Setting) -> list[Plan]:
    off, on = _step(setting, ON, ON, ("bf16", "bf16"))

    def widened(mark: Mark) -> int:
        with _attending(_widened):
            return off.run(mark)

    return [replace(off, run=widened), on]


CHANGES: dict[str, Callable[[Setting], list[Plan]]] = {
    "masked_only": partial(_step, off=OFF, on=ON, precise=("fp32", "fp32")),
    "fused_attention": partial(_step, off=Speed(fused_attention=False), on=ON, precise=("fp32", "fp32")),
    "bf16": partial(_step, off=ON, on=ON, precise=("fp32", "bf16")),
    "written_attention": _attention,
    "recompute": partial(_step, off=ON, on=Speed(recompute=True), precise=("fp32", "fp32")),
    "channels_last": partial(_step, off=ON, on=Speed(channels_last=True), precise=("bf16", "bf16")),
    "fused_adamw": _optimiser,
    "heads_needed": _heads,
    "needed_rows": partial(_retrieval, off=_fp32_turn, on=ON),
    "small_chunks": _chunks,
    "in_place": partial(_retrieval, off=_fp32_turn, on=ON, before=Speed(in_place=False)),
    "mapped_reads": partial(_loading, mapped=True),
    "device_resize": partial(_loading, resize_on="device"),
    "compile": partial(_step, off=ON, on=Speed(compile=True), precise=("bf16", "bf16")),
}


def main(arguments: list[str] | None = None) -> int:
    """Measure the changes asked for; what was measured is written after each."""
    what = (__doc__ or "").splitlines()[0]
    names, setting, out = parse(
        arguments, "python -m benchmarks.changes", what, "change", CHANGES, seconds=15.0
    )
    if out is None and setting.full:
        out = RESULTS / "changes.json"
    words = arguments if arguments is not None else sys.argv[1:]
    about = facts(" ".join(["python -m benchmarks.changes", *words]), setting.device)
    rows: list[Result] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for name in progress.track(names, description="changes"):
            rows += _measured(Work(name, CHANGES[name](setting)), setting, about["device"])
            if out:
                save(out, about, results=[*others(load(out), rows, about), *rows])
    show(rows)
    return 0


def _measured(work: Work, setting: Setting, device: str) -> list[Result]:
    found = list(rounds(work, setting.device, setting.seconds))
    results = []
    for plan, against in (("on", "off"), (CONTROL, "on")):
        ratio = Ratio.of([one[plan] for one in found], [one[against] for one in found])
        results.append(
            Result(
                work.name, plan, against, device, work.plans[1].precision,
                ratio.median, ratio.least, ratio.greatest, len(found),
            )
        )  # fmt: skip
    return results


if __name__ == "__main__":
    sys.exit(main())
