"""Small hand-written runs of Kaleido-BERT: its shared stages, its own, and examples to draw."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

NAMES = ["MVLT", "Kaleido-BERT"]
LEVELS = (1, 2, 3, 4, 5)
PATCHES, SIDE, FRAME = 55, 6, 24


def write_kaleido(mvlt: Path, folder: Path, shared: Path) -> Path:
    """Runs of its own in `folder`, answering as the `mvlt` ones do, and the shared ones they name.

    The shared features name the saliency network, and nothing of the model's own does.
    """
    for stage in ("pretrain", "recognition"):
        shutil.copytree(mvlt / stage, folder / stage)
    edit_record(
        folder / "pretrain",
        test={k: v for k, v in record_of(folder / "pretrain")["test"].items() if "mig" not in k},
        flops=5e6,
    )
    (folder / "pretrain" / "mig.npz").unlink()
    (folder / "pretrain" / "examples" / "mig.npz").unlink()
    write_patch_tasks(folder / "pretrain")
    write_captioning(folder / "captioning")
    write_shared(shared)
    configure(folder / "pretrain", data={"features": f"{shared.name}/features/features"})
    configure(shared / "features", foreground=f"elsewhere/{shared.name}/saliency/model")
    return folder


def write_patch_tasks(run: Path) -> None:
    rows = [
        f"{step},0,dev/{name},{value}"
        for step, share in ((10, 0.5), (20, 1.0))
        for name, value in (
            ("rotation_accuracy", 0.9 * share),
            ("jigsaw_accuracy", 0.5 * share),
            ("camouflage_accuracy", 0.4 * share),
            ("grey", 0.02 / share),
            ("blank", 0.03 / share),
            ("rotation", 0.7 / share),
        )
    ]
    with (run / "metrics.csv").open("a") as file:
        file.write("\n".join(rows) + "\n")


def write_captioning(run: Path, n: int = 6) -> None:
    """Without Java: no METEOR, no SumCAP."""
    run.mkdir(parents=True)
    np.savez(
        run / "captioning.npz",
        id=np.arange(n), product_id=np.arange(n) // 2, bleu4=np.full(n, 5.0),
        rouge_l=np.linspace(20, 40, n), cider=np.linspace(0, 100, n),
    )  # fmt: skip
    test = {"bleu4": 6.5, "rouge_l": 30.0, "cider": 50.0, "n": n}
    write_record(
        run,
        test={f"captioning/{name}": float(value) for name, value in test.items()},
        test_cost={"seconds": 7.0},
    )


def write_shared(folder: Path) -> None:
    saliency = {"unet_iou": 0.97, "threshold_iou": 0.9, "grabcut_iou": 0.93, "n": 20}
    write_record(
        folder / "saliency",
        test={f"saliency/{name}": float(value) for name, value in saliency.items()},
        fit_cost={"seconds": 60.0},
    )
    alignment = {"precision": 0.6, "random": 0.2, "centre": 0.3, "rows": 20}
    write_record(
        folder / "align",
        predict={f"alignment/{name}": float(value) for name, value in alignment.items()},
        predict_cost={"wall_seconds": 40.0},
    )
    features = {"bytes_per_image": 303104, "images_per_second": 120}
    write_record(
        folder / "features",
        predict={f"features/{name}": float(value) for name, value in features.items()},
        predict_cost={"wall_seconds": 90.0},
    )
    for run, name, arrays in (
        ("saliency", "saliency", saliency_examples()),
        ("features", "alignment", alignment_examples()),
        ("features", "kaleido", kaleido_examples()),
    ):
        (folder / run / "examples").mkdir(exist_ok=True)
        np.savez(folder / run / "examples" / f"{name}.npz", **arrays)


def photographs(count: int) -> np.ndarray:
    """`[count, FRAME, FRAME, 3]` uint8: a red square on white."""
    found = np.full((count, FRAME, FRAME, 3), 250, np.uint8)
    found[:, 6:18, 6:18] = (200, 30, 30)
    return found


def saliency_examples() -> dict[str, Any]:
    mask = np.zeros((2, FRAME, FRAME), bool)
    mask[:, 6:18, 6:18] = True
    box = np.array([[6, 6, 18, 18]] * 2)
    masks = dict.fromkeys(("truth", "unet", "threshold", "grabcut"), mask)
    return {"images": photographs(2), **masks, **{f"{name}_box": box for name in masks}}


def alignment_examples() -> dict[str, Any]:
    """Alignments of three photographs: two words, none, and more than are drawn."""
    words = np.full((3, 9), "", dtype="<U8")
    words[0, :2] = ["red", "collar"]
    words[2] = [f"word{number}" for number in range(9)]
    regions = np.tile(np.array([0.25, 0.25, 0.75, 0.75], np.float32), (3, 9, 1))
    return {
        "images": photographs(3),
        "captions": np.array(["a red shirt", "nothing aligned", "many words for $5_ and $6^"]),
        "words": words,
        "regions": regions,
    }


def kaleido_examples() -> dict[str, Any]:
    patches = np.full((3, PATCHES, SIDE, SIDE, 3), 120, np.uint8)
    transformed = patches.copy()
    transformed[:, -3:] = 0
    return {
        "image": photographs(3),
        "box": np.array([[6, 6, 18, 18]] * 3),
        "levels": np.array(LEVELS),
        "patches": patches,
        "transformed": transformed,
        "caption": np.array(["a red shirt"] * 3),
        "rotation": np.array([0, 1, 3]),
        "jigsaw": np.array([0, 7, 23]),
        "camouflage": np.array([0, 4, 8]),
        "grey": np.array([[0, 15], [3, 4], [1, 2]]),
        "blank": np.array([[22, 23, 24]] * 3),
        "predicted_rotation": np.array([0, 2, 3]),
        "predicted_jigsaw": np.array([0, 7, 1]),
        "predicted_camouflage": np.array([1, 4, 8]),
    }


def write_record(run: Path, **sections: Any) -> None:
    run.mkdir(parents=True, exist_ok=True)
    record = {"schema": 1, "commit": "0123456789ab", "scale": "laptop", "seed": 0, **sections}
    (run / "metrics.json").write_text(json.dumps(record))


def record_of(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "metrics.json").read_text())
    return found


def edit_record(run: Path, **sections: Any) -> None:
    """Replace sections; None drops one."""
    kept = {key: value for key, value in (record_of(run) | sections).items() if value is not None}
    (run / "metrics.json").write_text(json.dumps(kept))


def configure(run: Path, **content: Any) -> None:
    (run / "config.yaml").write_text(json.dumps(content))
