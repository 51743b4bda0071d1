"""Twenty training steps and both retrieval tests of the two subjects at smoke scale, as plain numbers.

`python -m tests.guard.curves` writes `curves.json` anew. Do so only for a change that is meant to move
numbers, and say in the commit which and why.
"""

import csv
import hashlib
import json
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

REPOSITORY = Path(__file__).parents[2]
FILE = Path(__file__).with_name("curves.json")
STEPS = 20
SUBJECTS = ("mvlt", "kaleido_bert")
PATCH_WIDTH = 32
"""Width of the drawn patch features; that of experiments/kaleido_bert/smoke.yaml."""


def machine() -> dict[str, str]:
    """Name what decides the last digits: processor, its instructions, torch, the code paths it takes."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = " ".join(sorted(facts.get("flags", "").split()))
    return {
        "processor": facts.get("model name", platform.processor()),
        "instructions": hashlib.sha256(flags.encode()).hexdigest()[:16],
        "capability": torch.backends.cpu.get_cpu_capability(),
        "onednn": os.environ.get("ONEDNN_MAX_CPU_ISA", "default"),
        "torch": torch.__version__,
    }


def run(subject: str, catalogue: Path, work: Path) -> dict[str, Any]:
    """Train and test one subject.

    Args:
        subject: one of `SUBJECTS`.
        catalogue: the drawn catalogue of 120 products that the tests share.
        work: an empty folder.

    Returns:
        `losses`: of every step by name; `ranks`: of every query by direction.
    """
    from fashionvl.commands.train import train

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        train(_arguments(subject, catalogue, work))
    finally:
        torch.set_num_threads(threads)
    with (work / "run" / "metrics.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["name"].startswith("train/")]
    losses: dict[str, list[float]] = {}
    for row in rows:
        if row["name"].endswith("_step"):
            losses.setdefault(row["name"].removesuffix("_step"), []).append(float(row["value"]))
    ranks = {name: np.load(work / "run" / f"{name}.npz")["rank"].tolist() for name in ("tir", "itr")}
    return {"losses": losses, "ranks": ranks}


def _arguments(subject: str, catalogue: Path, work: Path) -> list[str]:
    folder = REPOSITORY / "experiments" / subject
    words = ["fit", "--config", str(folder / "pretrain.yaml"), "--config", str(folder / "smoke.yaml")]
    options: dict[str, Any] = {
        "trainer.max_epochs": -1,
        "trainer.max_steps": STEPS,
        "trainer.enable_progress_bar": "false",
        "trainer.enable_model_summary": "false",
        "data.init_args.root": catalogue,
        "data.init_args.index_dir": work / "index",
        "run_dir": work / "run",
    }
    if subject == "kaleido_bert":
        options["data.init_args.kaleido.features"] = _draw_features(catalogue, work)
        options["data.init_args.kaleido.alignments"] = "null"
    return [*words, *(word for key, value in options.items() for word in (f"--{key}", str(value)))]


def _draw_features(catalogue: Path, work: Path) -> Path:
    """A feature cache of random numbers: what a trained backbone makes of a crop differs between machines."""
    from fashionvl.data.catalogue import SPLITS
    from fashionvl.data.index.catalogue import CatalogueIndex
    from fashionvl.data.readers import open_split
    from fashionvl.data.visual.features import FeatureFacts, FeatureWriter

    for number, split in enumerate(SPLITS):
        index = CatalogueIndex(open_split(catalogue, split), work / "index", 1, None, True)
        facts = FeatureFacts(
            index.fingerprint, len(index), "drawn", PATCH_WIDTH, 32, "non-white", (1, 2, 3, 4, 5)
        )
        writer = FeatureWriter(work / "features" / split, facts)
        for rows in writer.pending():
            rng = np.random.default_rng([number, int(rows[0])])
            drawn = rng.standard_normal((len(rows), facts.variants, PATCH_WIDTH)).astype(np.float16)
            writer.write(rows, drawn, index.boxes[rows])
    return work / "features"


def write() -> None:
    """Write `curves.json` of this machine."""
    from fashionvl.data.synthetic import synthesize

    with tempfile.TemporaryDirectory() as folder:
        catalogue = Path(folder) / "catalogue"
        synthesize(catalogue, products=120, seed=0, validation_share=0.2, workers=1)
        curves = {}
        for subject in SUBJECTS:
            work = Path(folder) / subject
            work.mkdir()
            curves[subject] = run(subject, catalogue, work)
    FILE.write_text(json.dumps({"machine": machine(), "steps": STEPS, **curves}, indent=1) + "\n")


if __name__ == "__main__":
    write()
