"""Whether a pre-training step of Kaleido-BERT at the paper's size fits 64 pairs into 24 GB.

    python benchmarks/kaleido_memory.py

Every loss on, 64 full tokens, 55 patches of 2,048 numbers, optimiser state included. On a GPU the figure is
the allocator's peak under 16-bit autocast; without one it is the process's peak in float32.
"""

import argparse
import datetime
import json
import platform
import resource
from pathlib import Path

import torch

from fashionvl.data.records import KaleidoTargets, PairBatch, Patches
from fashionvl.models.kaleido_bert import KaleidoBERT
from fashionvl.tasks import KaleidoPretraining
from fashionvl.tasks.run_folder import provenance

TOKENS, MASKED = 64, 10


def draw(pairs: int, network: KaleidoBERT) -> PairBatch:
    """Pairs of nothing in particular, with everything asked of them."""
    ids = torch.randint(1000, 2000, (pairs, TOKENS))
    labels = torch.full_like(ids, -100)
    labels[:, 1 : 1 + MASKED] = ids[:, 1 : 1 + MASKED]
    width, rows = network.patch_width, torch.arange(pairs)
    return PairBatch(
        pixel_values=torch.empty(pairs, 0),
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        image_mask=None,
        mlm_labels=labels,
        itm_labels=rows % 2,
        category=rows,
        subcategory=rows,
        product_id=rows,
        rows=rows,
        patches=Patches(torch.randn(pairs, network.grid.patches, width).half(), torch.rand(pairs, 55, 5)),
        kaleido=KaleidoTargets(
            rotation=rows % 4,
            jigsaw=rows % 24,
            camouflage=rows % 9,
            grey=torch.tensor([[0, 5]]).repeat(pairs, 1),
            grey_target=torch.randn(pairs, 2, width).half(),
            blank=torch.tensor([[0, 1, 2]]).repeat(pairs, 1),
        ),
    )


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=64)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "kaleido_memory.json")
    given = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = KaleidoBERT(itm="sigmoid")
    task = KaleidoPretraining(network).to(device).train()
    optimizer = torch.optim.AdamW([w for w in task.parameters() if w.requires_grad], lr=1e-5)
    for _ in range(2):
        with torch.autocast(device.type, enabled=device.type == "cuda"):
            losses, _ = task.losses(draw(given.pairs, network).to(device))
            total = task.total(losses, task.weights)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    on_gpu = device.type == "cuda"
    peak = torch.cuda.max_memory_allocated() if on_gpu else 0
    used = peak / 2**20 if on_gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    content = {
        "command": f"python benchmarks/kaleido_memory.py --pairs {given.pairs}",
        "date": datetime.date.today().isoformat(),
        "machine": torch.cuda.get_device_name() if on_gpu else platform.machine(),
        **provenance(),
        "results": [
            {
                "work": f"Kaleido-BERT base, pre-training step of {given.pairs} pairs",
                "device": device.type,
                "precision": "16-mixed" if on_gpu else "32-true",
                "peak_mb": round(used),
            }
        ],
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(content, indent=1) + "\n")
    print(json.dumps(content["results"], indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
