"""Zero-shot retrieval with MVLT: every candidate of a query is one pair that goes through the network."""

from functools import partial

import torch

from benchmarks.computing import count_flops, precision
from benchmarks.machine import multiplies_bf16
from benchmarks.measure import Mark, Plan, Work
from benchmarks.mvlt import COUNTED, PLAIN, draw, image_size, network
from benchmarks.setting import Setting
from benchmarks.works.mvlt_step import fastest
from fashionvl.data.records import Pairs, RetrievalBatch
from fashionvl.models.mvlt import MVLT
from fashionvl.tasks.retrieval import score_candidates
from fashionvl.tasks.speed import Speed

CANDIDATES = 101
"""A positive and 100 negatives (MVLT section 3.3)."""


def batches(setting: Setting, queries: int, candidates: int) -> list[RetrievalBatch]:
    """`queries` a direction on the host: texts that rank photographs, then photographs that rank texts."""
    found = []
    for number in range(2 * queries):
        pairs = draw(setting, candidates, seed=number)
        one, each = torch.zeros(1, candidates, dtype=torch.int64), torch.arange(candidates)[None]
        by_text = number % 2 == 0
        found.append(
            RetrievalBatch(
                query_ids=torch.tensor([number]),
                positive=torch.zeros(1, dtype=torch.int64),
                pixel_values=pairs.pixel_values if by_text else pairs.pixel_values[:1],
                input_ids=pairs.input_ids[:1] if by_text else pairs.input_ids,
                attention_mask=pairs.attention_mask[:1] if by_text else pairs.attention_mask,
                image_of_pair=each if by_text else one,
                text_of_pair=one if by_text else each,
            )
        )
    return found


def released_turn(model: MVLT, queries: list[RetrievalBatch], mark: Mark) -> int:
    """A list of candidates at once, each with its own copy of photograph and text, through every head."""
    device, done = next(model.parameters()).device, 0
    with torch.no_grad():
        for batch in queries:
            pairs = batch.pairs(slice(None))
            moved = Pairs(pairs.pixel_values.float().div(255), pairs.input_ids, pairs.attention_mask)
            moved = moved.to(device)
            mark("data")
            model(moved.pixel_values, moved.input_ids)["itm_logits"].softmax(-1)[:, 0, 1].cpu()
            mark("forward")
            done += len(pairs)
    return done


def suite_turn(model: MVLT, queries: list[RetrievalBatch], precise: str, mark: Mark) -> int:
    """Rank candidates as the suite's tasks do."""
    device, done = next(model.parameters()).device, 0
    with torch.inference_mode(), precision(precise, device):
        for batch in queries:
            moved = batch.to(device, non_blocking=True)
            moved.pixel_values = moved.pixel_values.float().div_(255)
            mark("data")
            score_candidates(model, moved).cpu()
            mark("forward")
            done += batch.image_of_pair.numel()
    return done


def plans(setting: Setting, *, queries: int, candidates: int) -> list[Plan]:
    """Released, ours in the same precision, and ours in the fastest mode.

    Args:
        setting: device and size.
        queries: of each direction.
        candidates: of a query, the positive among them.
    """
    asked = batches(setting, queries, candidates)
    least = 6.0 if setting.on_gpu or multiplies_bf16() else None
    same = "tf32" if setting.on_gpu else "fp32"
    models = {
        "released": network(setting, PLAIN).eval(),
        "ours": network(setting, Speed(tf32=setting.on_gpu)).eval(),
        "best": network(setting, fastest(setting)).eval(),
    }
    return [
        Plan("released", same, partial(released_turn, models["released"], asked)),
        Plan("ours", same, partial(suite_turn, models["ours"], asked, same), target=2.5),
        Plan("best", "bf16", partial(suite_turn, models["best"], asked, "bf16"), target=least),
    ]


def flops(setting: Setting, speed: Speed) -> int:
    """Count FLOPs of scoring one pair."""
    model = network(setting, speed).eval().to("meta")
    pair = draw(setting, 1)
    pixels, ids = pair.pixel_values.float().to("meta"), pair.input_ids.to("meta")
    scored = Pairs(pixels, ids, torch.ones_like(ids))
    with torch.no_grad():
        if speed == PLAIN:
            return count_flops(lambda: model(pixels, ids))
        return count_flops(lambda: model.match(scored))


def build(setting: Setting) -> list[Work]:
    """A stated fraction of 1,000 queries x 101 candidates in both directions."""
    queries = setting.pick(tiny=1, cpu=1, gpu=20)
    candidates = setting.pick(tiny=5, cpu=26, gpu=CANDIDATES)
    return [
        Work(
            "MVLT retrieval",
            plans(setting, queries=queries, candidates=candidates),
            flops=flops(setting, COUNTED),
            released_flops=flops(setting, PLAIN),
            measures_memory=True,
            note=f"{queries} of 1,000 queries each way, {candidates} candidates, {image_size(setting)} px; "
            "photographs and captions wait in memory, loading is left out",
        )
    ]
