"""Synthetic run folders of a study, small and with every number known."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from fashionvl.studies import Study, read_study

QUERIES, PRODUCTS, VIEWS, CLASSES = 60, 30, 3, 4
DATA = "d" * 64

RECIPE = """
name: mvlt
stages:
  pyramid: {config: base.yaml, scales: {laptop: []}, shared: true}
  pretrain: {config: base.yaml, scales: {laptop: []}, inputs: {weights: pyramid}}
  recognition: {config: base.yaml, scales: {laptop: []}, inputs: {weights: pretrain}}
"""

STUDY = """
title: Masking ratio
question: How much should be hidden?
recipe: {recipe}
columns: {{A1: "10 %", A2: "30 %", Final: "50 %"}}
keys: [model.ratio]
axis: model.ratio
axis_label: share hidden
paper: mvlt_table3
source: MVLT Table 3
"""


def write_study(folder: Path, name: str = "mask_ratio") -> Study:
    """A study of A1, A2 and Final over a recipe of three stages; its overlays set `model.ratio`."""
    experiments = folder / "experiments"
    experiments.mkdir(parents=True, exist_ok=True)
    (experiments / "base.yaml").write_text("model: {ratio: 0.5}\n")
    (experiments / "recipe.yaml").write_text(RECIPE)
    home = folder / "ablations" / name
    home.mkdir(parents=True)
    (home / "study.yaml").write_text(STUDY.format(recipe=experiments / "recipe.yaml"))
    for column, ratio in (("A1", 0.1), ("A2", 0.3)):
        (home / f"{column}.yaml").write_text(f"# Overlay.\nmodel: {{ratio: {ratio}}}\n")
    return read_study(name, folder / "ablations")


def minus(text: str) -> str:
    """With true minus signs where `text` has `~`."""
    return text.replace("~", "\N{MINUS SIGN}")


def run_path(root: Path, column: str, seed: int, stage: str, study: str = "mask_ratio") -> Path:
    home = "mvlt" if column == "Final" else study
    return root / home / column / f"seed{seed}" / stage


def write_record(run: Path, ratio: float = 0.5, **sections: Any) -> None:
    run.mkdir(parents=True, exist_ok=True)
    (run / "config.yaml").write_text(f"then_test: true\nmodel: {{ratio: {ratio}}}\n")
    record = {
        "schema": 1, "commit": "0123456789ab", "scale": "laptop", "seed": 0, "parameters": 1234, "flops": 5e6,
        "versions": {"torch": "2.6.0", "numpy": "2.0"}, "data": {"fingerprint": DATA},
        "fit": {"train/itm": 0.5},
        "fit_cost": {"pairs_per_second": 100.0, "wall_seconds": 30.0, "peak_rss_mb": 500.0},
        **sections,
    }  # fmt: skip
    (run / "metrics.json").write_text(json.dumps({k: v for k, v in record.items() if v is not None}))


def edit_record(run: Path, **sections: Any) -> None:
    """Replace sections; None drops one."""
    record = json.loads((run / "metrics.json").read_text()) | sections
    (run / "metrics.json").write_text(json.dumps({k: v for k, v in record.items() if v is not None}))


def write_pyramid(root: Path) -> None:
    write_record(root / "mvlt" / "pyramid")


def ranks_of(share: float, seed: int) -> np.ndarray:
    """`[Q]` ranks: a share of the queries is answered first, the others twentieth; the seed moves which."""
    ranks = np.full(QUERIES, 20.0)
    ranks[: round(share * QUERIES)] = 1
    return np.roll(ranks, seed)


def write_pretrain(run: Path, ranks: np.ndarray, ratio: float = 0.5, psnr: float = 15.0) -> None:
    """Both directions with the same ranks; `psnr` everywhere, a mean fill that tells the ratio."""
    test = {}
    run.mkdir(parents=True, exist_ok=True)
    for direction in ("tir", "itr"):
        hits = {f"hit@{k}": (ranks <= k).astype(float) for k in (1, 5, 10)}
        np.savez(run / f"{direction}.npz", query_id=np.arange(len(ranks)), rank=ranks, **hits)
        rates = {f"{direction}/r{k}": 100 * float(hits[f"hit@{k}"].mean()) for k in (1, 5, 10)}
        test |= rates | {f"{direction}/sum_r": sum(rates.values())}
    n = PRODUCTS * VIEWS
    np.savez(
        run / "mig.npz",
        id=np.arange(n),
        psnr_masked=np.full(n, psnr),
        psnr_masked_mean_fill=np.full(n, 10 * ratio),
        product_id=np.arange(n) // VIEWS,
    )
    test["mig/psnr_masked"] = psnr
    candidates = {direction: {"fingerprint": f"candidates-{direction}"} for direction in ("tir", "itr")}
    write_record(run, ratio, test=test, test_cost={"wall_seconds": 10.0}, candidates=candidates)
    (run / "metrics.csv").write_text("step,epoch,name,value\n9,0,train/itm_step,0.7\n")


def labels_of(share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`[N]` predicted and target: all photographs of a share of the products are named rightly."""
    product = np.arange(PRODUCTS * VIEWS) // VIEWS
    target = product % CLASSES
    right = np.roll(np.arange(PRODUCTS) < round(share * PRODUCTS), seed)[product]
    return np.where(right, target, (target + 1) % CLASSES), target


def write_recognition(run: Path, share: float, seed: int) -> None:
    predicted, target = labels_of(share, seed)
    run.mkdir(parents=True, exist_ok=True)
    product_id = np.arange(len(target)) // VIEWS
    test = {}
    for name in ("m_cr", "s_cr"):
        np.savez(
            run / f"{name}.npz",
            id=np.arange(len(target)), predicted=predicted, target=target, product_id=product_id,
        )  # fmt: skip
        test[f"{name}/accuracy"] = 100 * float((predicted == target).mean())
    write_record(run, test=test)


def write_column(
    root: Path, column: str, shares: dict[int, float], ratio: float = 0.5, study: str = "mask_ratio"
) -> None:
    """Both stages of a column; the share answered rightly by seed, in retrieval and recognition alike."""
    for seed, share in shares.items():
        write_pretrain(run_path(root, column, seed, "pretrain", study), ranks_of(share, 0), ratio)
        write_recognition(run_path(root, column, seed, "recognition", study), share, 0)


KALEIDO_RECIPE = """
name: kaleido_bert
stages:
  saliency: {config: base.yaml, scales: {laptop: []}, shared: true}
  features: {config: base.yaml, scales: {laptop: []}, command: predict, shared: true, inputs: {m: saliency}}
  pretrain: {config: base.yaml, scales: {laptop: []}, inputs: {data: features}}
  recognition: {config: base.yaml, scales: {laptop: []}, inputs: {weights: pretrain}}
  captioning: {config: base.yaml, scales: {laptop: []}, inputs: {weights: pretrain}}
"""

KALEIDO_STUDY = """
title: Aligned kaleido patch modelling
question: Which of the five patch tasks earn their keep?
recipe: {recipe}
columns: {{B: "ITM + AMLM", B_I: "+ rotation", Final: "all five"}}
keys: [model.ratio]
paper: kaleido_table4
paper_columns: {{B_I: B+I, Final: B+I~V}}
"""

LOGGED = {
    "B": {},
    "B_I": {"rotation_accuracy": 0.8},
    "Final": {
        "rotation_accuracy": 0.9,
        "jigsaw_accuracy": 0.5,
        "camouflage_accuracy": 0.4,
        "grey": 0.02,
        "blank": 0.03,
    },
}
"""Final values of the patch tasks of each column on the dev split."""


def write_kaleido_study(folder: Path) -> Study:
    """`akpm` with B, B_I and Final, whose table calls two of them otherwise."""
    experiments = folder / "experiments"
    experiments.mkdir(parents=True, exist_ok=True)
    (experiments / "base.yaml").write_text("model: {ratio: 0.5}\n")
    (experiments / "kaleido.yaml").write_text(KALEIDO_RECIPE)
    home = folder / "ablations" / "akpm"
    home.mkdir(parents=True)
    (home / "study.yaml").write_text(KALEIDO_STUDY.format(recipe=experiments / "kaleido.yaml"))
    for column, ratio in (("B", 0.1), ("B_I", 0.3)):
        (home / f"{column}.yaml").write_text(f"# Overlay.\nmodel: {{ratio: {ratio}}}\n")
    return read_study("akpm", folder / "ablations")


def write_kaleido_shared(root: Path) -> None:
    write_record(root / "kaleido_bert" / "saliency")
    record = {"fit": None, "fit_cost": None, "predict": {"features/images_per_second": 100.0}}
    write_record(root / "kaleido_bert" / "features", **record, predict_cost={"wall_seconds": 20.0})


def kaleido_path(root: Path, column: str, seed: int, stage: str) -> Path:
    return root / ("kaleido_bert" if column == "Final" else "akpm") / column / f"seed{seed}" / stage


def write_kaleido_column(root: Path, column: str, shares: dict[int, float], java: bool = True) -> None:
    """Every stage; the share answered rightly by seed, also of the words of captions."""
    for seed, share in shares.items():
        pretrain = kaleido_path(root, column, seed, "pretrain")
        write_pretrain(pretrain, ranks_of(share, 0))
        (pretrain / "mig.npz").unlink()
        test = json.loads((pretrain / "metrics.json").read_text())["test"]
        edit_record(pretrain, test={key: value for key, value in test.items() if "mig" not in key})
        rows = [
            f"{step},0,dev/{name},{value * part}"
            for step, part in ((9, 0.5), (19, 1.0))
            for name, value in ({"loss": 3.0, "rotation": 0.7} | LOGGED[column]).items()
        ]
        with (pretrain / "metrics.csv").open("a") as file:
            file.write("\n".join(rows) + "\n")
        write_recognition(kaleido_path(root, column, seed, "recognition"), share, 0)
        write_captioning(kaleido_path(root, column, seed, "captioning"), share, java)


def write_captioning(run: Path, share: float, java: bool) -> None:
    """All captions of a share of the products are right, the others wholly wrong."""
    run.mkdir(parents=True, exist_ok=True)
    product = np.arange(PRODUCTS * VIEWS) // VIEWS
    right = 100.0 * (product < round(share * PRODUCTS))
    np.savez(
        run / "captioning.npz", id=np.arange(len(product)), product_id=product, rouge_l=right, cider=2 * right
    )
    test = {"bleu4": 50 * share, "rouge_l": right.mean(), "cider": 2 * right.mean()}
    if java:
        test |= {"meteor": 20 * share, "sum_cap": 370 * share}
    write_record(run, test={f"captioning/{name}": float(value) for name, value in test.items()})
