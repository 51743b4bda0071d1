"""What the feature cache is worth to Kaleido-BERT's pre-training, against patches cut and seen anew.

    python benchmarks/kaleido_cache.py runs/laptop/kaleido_bert

Both plans train the same network on the same batches, in turns, in one process; a third, again from the
cache, shows how far two equal plans lie apart. A step is everything: fetching the batch, forward, backward,
optimiser.
"""

import argparse
import datetime
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from fashionvl.commands.train import train
from fashionvl.tasks import KaleidoPretraining
from fashionvl.tasks.run_folder import provenance

HERE = Path(__file__).parent
RECIPE = HERE.parent / "experiments" / "kaleido_bert"
CONFIGS = ("pretrain.yaml", "laptop.yaml")


def plan(stages: Path, online: bool, scratch: Path) -> Callable[[int], int]:
    """A pre-training that makes its n-th step when told to, and says how many pairs it took."""
    words = [word for name in CONFIGS for word in ("--config", str(RECIPE / name))]
    words += ["--data.init_args.kaleido.features", str(stages / "features" / "features")]
    words += ["--data.init_args.kaleido.alignments", str(stages / "align" / "alignments")]
    if online:
        words += ["--data.init_args.kaleido.online", "true", "--data.init_args.kaleido.patch_size", "32"]
        words += ["--model.init_args.backbone", "fashionvl.models.kaleido_bert.backbone.PatchBackbone"]
        words += ["--model.init_args.backbone.init_args.name", "null"]
        words += ["--model.init_args.backbone.init_args.weights", str(stages / "captioner")]
    built = train([*words, "--run_dir", str(scratch)], run=False)
    task: KaleidoPretraining = built.model
    data = built.datamodule
    data.prepare_data()
    dataset = data.pairs("train", task.corruption, seed=0)
    optimizer = torch.optim.AdamW([w for w in task.parameters() if w.requires_grad], lr=1e-4, fused=True)
    task.train()

    def step(number: int) -> int:
        first = number * data.batch_size % (len(dataset) - data.batch_size)
        batch = dataset.__getitems__([(0, first + position) for position in range(data.batch_size)])
        with torch.autocast("cpu", torch.bfloat16):
            losses, _ = task.losses(batch)
            total = task.total(losses, task.weights)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        return len(batch)

    return step


def rounds(plans: dict[str, Callable[[int], int]], count: int, steps: int) -> Iterator[dict[str, float]]:
    """Pairs a second of each plan, round by round; the first round is not counted."""
    for turn in range(count + 1):
        found = {}
        for name, step in plans.items():
            began = time.perf_counter()
            pairs = sum(step(turn * steps + number) for number in range(steps))
            found[name] = pairs / (time.perf_counter() - began)
        if turn:
            yield found


def compare(found: list[dict[str, float]], work: str, one: str, other: str) -> dict[str, Any]:
    """How many times as fast `one` is as `other`, in the words of every benchmark."""
    ratios = [turn[one] / turn[other] for turn in found]
    return {
        "work": work,
        "device": f"{torch.get_num_threads()} CPU threads",
        "precision": "bf16-mixed",
        "ratio_median": round(statistics.median(ratios), 3),
        "ratio_min": round(min(ratios), 3),
        "ratio_max": round(max(ratios), 3),
        "pairs_per_s": round(statistics.median(turn[one] for turn in found), 1),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("stages", type=Path, help="folder of the stages captioner, align and features")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "kaleido_cache.json")
    given = parser.parse_args()
    scratch = given.stages / "benchmark"
    plans = {
        "cache": plan(given.stages, False, scratch / "cache"),
        "online": plan(given.stages, True, scratch / "online"),
        "again": plan(given.stages, False, scratch / "again"),
    }
    found = list(rounds(plans, given.rounds, given.steps))
    content = {
        "command": f"python benchmarks/kaleido_cache.py --rounds {given.rounds} --steps {given.steps}",
        "date": datetime.date.today().isoformat(),
        "machine": f"{_processor()}, Python {platform.python_version()}",
        **provenance(),
        "results": [
            compare(found, "Kaleido-BERT pre-training step, laptop, cache / online", "cache", "online"),
            compare(found, "control: cache / cache", "cache", "again"),
        ],
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(content, indent=1) + "\n")
    print(json.dumps(content["results"], indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
