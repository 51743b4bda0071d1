"""A small experiment of three run folders, with every number known."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

QUERIES, CANDIDATES = 40, 21


def write_arrays(file: Path, **arrays: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, **arrays)


def write_log(run: Path, *rows: str) -> None:
    run.mkdir(parents=True, exist_ok=True)
    (run / "metrics.csv").write_text("\n".join(["step,epoch,name,value", *rows]) + "\n")


def write_record(run: Path, **sections: Any) -> None:
    run.mkdir(parents=True, exist_ok=True)
    record = {
        "schema": 1,
        "commit": "0123456789ab",
        "scale": "laptop",
        "network": "MVLT",
        "seed": 7,
        "parameters": 1234,
        "data": {"root": "data/synthetic-60", "rows": {"train": 100, "dev": 10, "test": 20}},
        **sections,
    }
    (run / "metrics.json").write_text(json.dumps(record))


def cost(seconds: float) -> dict[str, float]:
    return {"steps": 300, "seconds": seconds, "pairs_per_second": 100.0, "peak_rss_mb": 500.0}


def retrieval_examples(direction: str, images: np.ndarray) -> dict[str, np.ndarray]:
    """Two queries: the match in third place, and none among the five; one caption would upset mathtext."""
    captions = np.array([[f"shirt {i}{j} for $5_ and $6^" for j in range(5)] for i in range(2)])
    photographs = np.broadcast_to(images[0], (2, 5, *images.shape[1:]))
    matched = np.zeros((2, 5), bool)
    matched[0, 2] = True
    one_text = direction == "tir"
    return {
        "captions": captions[:, :1] if one_text else captions,
        "images": photographs if one_text else photographs[:, :1],
        "probabilities": np.tile([0.999, 0.8, 0.5, 0.2, 0.001], (2, 1)),
        "matched": matched,
    }


def recognition_examples(images: np.ndarray) -> dict[str, np.ndarray]:
    """Two photographs: the true name first, and not among the five."""
    names = np.array([["TOPS", "JEANS", "SKIRTS", "BOOTS", "HATS"]] * 2)
    found: dict[str, np.ndarray] = {"images": images, "captions": np.array(["a shirt", "a beanie"])}
    for label in ("m_cr", "s_cr"):
        found[f"{label}_names"] = names
        found[f"{label}_probabilities"] = np.tile([0.6, 0.2, 0.1, 0.07, 0.03], (2, 1))
        found[f"{label}_target"] = np.array(["TOPS", "BEANIES"])
    return found


def write_pyramid(run: Path) -> None:
    write_log(
        run,
        "9,0,train/loss_step,2.0",
        "19,0,train/loss_step,1.0",
        "19,0,train/loss_epoch,1.5",
        "19,0,dev/loss,1.2",
    )
    write_record(run, fit={"dev/loss": 1.2}, fit_cost=cost(10.0))


def write_pretrain(run: Path, images: np.ndarray) -> None:
    write_log(
        run,
        "9,0,train/itm_step,0.7",
        "19,0,train/itm_step,0.5",
        "19,0,dev/itm_accuracy,0.75",
        "19,0,dev/itm,0.6",
    )
    test = {}
    for direction in ("tir", "itr"):
        ranks = 1 + np.arange(QUERIES) // 2
        hits = {f"hit@{k}": (ranks <= k).astype(float) for k in (1, 5, 10)}
        write_arrays(run / f"{direction}.npz", query_id=np.arange(QUERIES), rank=ranks.astype(float), **hits)
        rates = {f"{direction}/r{k}": 100 * float(hits[f"hit@{k}"].mean()) for k in (1, 5, 10)}
        test |= rates | {f"{direction}/sum_r": sum(rates.values()), f"{direction}/n": float(QUERIES)}
        write_arrays(run / f"examples/{direction}.npz", **retrieval_examples(direction, images))
    means = {
        "psnr": 22.0,
        "ssim": 0.8,
        "psnr_masked": 19.0,
        "ssim_masked": 0.7,
        "psnr_masked_mean_fill": 12.0,
    }
    write_arrays(
        run / "mig.npz",
        id=np.arange(3),
        **{key: mean + np.array([-1.0, 0.0, 1.0]) for key, mean in means.items()},
    )
    test |= {f"mig/{key}": mean for key, mean in means.items()} | {"mig/n": 3.0}
    hidden = np.ones(images.shape[:-1], bool)
    write_arrays(
        run / "examples/mig.npz", masked=images * 0, reconstructed=images, original=images, hidden=hidden
    )
    negatives = QUERIES * (CANDIDATES - 1)
    sources = {"subcategory": negatives * 3 // 4, "category": negatives // 4, "anywhere": 0}
    candidates = {direction: {"fingerprint": "f", "negatives_from": sources} for direction in ("tir", "itr")}
    write_record(
        run,
        fit={"dev/itm": 0.6},
        fit_cost=cost(60.0),
        test=test,
        test_cost={"seconds": 20.0},
        candidates=candidates,
    )


def write_recognition(run: Path, images: np.ndarray) -> None:
    write_log(run, "9,0,train/s_cr_accuracy_step,0.5", "9,0,dev/s_cr_accuracy,0.6")
    test = {}
    for label in ("m_cr", "s_cr"):
        write_arrays(
            run / f"{label}.npz",
            id=np.arange(8),
            target=np.array([0, 0, 0, 0, 1, 1, 2, 2]),
            predicted=np.array([0, 0, 0, 1, 1, 1, 2, 0]),
        )
        test |= {
            f"{label}/accuracy": 75.0,
            f"{label}/macro_f": 0.7389,
            f"{label}/macro_f_all": 0.5,
            f"{label}/n": 8.0,
        }
        test[f"{label}/sum_c"] = 75.0 + 73.89
    write_arrays(run / "examples/recognition.npz", **recognition_examples(images))
    write_record(run, fit={}, fit_cost=cost(30.0), test=test, test_cost={"seconds": 5.0})


def write_experiment(folder: Path) -> Path:
    images = np.full((2, 16, 16, 3), 200, np.uint8)
    images[:, 4:12, 4:12] = (200, 30, 30)
    write_pyramid(folder / "pyramid")
    write_pretrain(folder / "pretrain", images)
    write_recognition(folder / "recognition", images)
    return folder


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """Three finished stages, for the test to change."""
    return write_experiment(tmp_path / "demo")


@pytest.fixture(scope="session")
def finished_experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, read only."""
    return write_experiment(tmp_path_factory.mktemp("experiment") / "demo")


@pytest.fixture
def edit_record() -> Callable[..., None]:
    """Replace sections of a run's `metrics.json`; None drops one."""

    def edit(run: Path, **sections: Any) -> None:
        record = json.loads((run / "metrics.json").read_text()) | sections
        kept = {key: value for key, value in record.items() if value is not None}
        (run / "metrics.json").write_text(json.dumps(kept))

    return edit


@pytest.fixture
def log() -> Callable[..., None]:
    """Write a run's `metrics.csv` from lines without the header."""
    return write_log
