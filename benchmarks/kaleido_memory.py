"""Peak memory of a Kaleido-BERT step of 64 pairs at the paper's size: `python -m benchmarks.kaleido_memory`.

Every loss on, 64 full tokens, 55 patches of 2,048 numbers, optimiser state included. On a GPU the figure is
the allocator's peak under 16-bit autocast; without one it is the process's peak in float32.
"""

import argparse
import sys
from pathlib import Path

import torch

from benchmarks.kaleido_pairs import draw
from benchmarks.machine import facts
from benchmarks.record import RESULTS, save
from fashionvl.models.kaleido_bert import KaleidoBERT
from fashionvl.tasks import KaleidoPretraining
from fashionvl.training.cost import peak_memory


def main(arguments: list[str] | None = None) -> int:
    """Measure and keep."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kaleido_memory", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--pairs", type=int, default=64)
    parser.add_argument("--out", type=Path, default=RESULTS / "kaleido_memory.json")
    given = parser.parse_args(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    on_gpu = device.type == "cuda"
    about = facts(f"python -m benchmarks.kaleido_memory --pairs {given.pairs}", device)
    task = KaleidoPretraining(KaleidoBERT(itm="sigmoid")).to(device).train()
    learning = [weight for weight in task.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=1e-5, fused=True)
    for _ in range(2):
        with torch.autocast(device.type, torch.float16, enabled=on_gpu):
            losses, _ = task.losses(draw(given.pairs, task.network).to(device), None)
        optimizer.zero_grad()
        task.total(losses).backward()
        optimizer.step()
    row = {
        "work": f"Kaleido-BERT base, pre-training step of {given.pairs} pairs",
        "device": about["device"],
        "precision": "fp16" if on_gpu else "fp32",
        "peak_mb": peak_memory()["peak_gpu_mb" if on_gpu else "peak_rss_mb"],
    }
    save(given.out, about, results=[row])
    print(f"{row['work']}: {row['peak_mb']:,.0f} MB; written to {given.out}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
