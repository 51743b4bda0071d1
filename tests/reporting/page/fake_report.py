"""Reports with every state and no run behind them, for tests of what the page shows."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fashionvl.reporting.study.records import (
    Bound,
    Cell,
    Claim,
    ColumnReport,
    Difference,
    Estimate,
    Metric,
    Report,
    StageRun,
    State,
    StudyReport,
    Verdict,
    mark,
)
from fashionvl.reporting.study.verdicts import excluded_words


@dataclass(frozen=True)
class Written:
    """A report, the page made of it, and its text."""

    report: Report
    file: Path
    html: str


OVER = "paired over {}, seeds as random, Holm over the columns"
METRICS = [
    *(
        Metric(
            f"{task.lower()}/{key}",
            task,
            name,
            "%" if key != "sum_r" else "",
            1,
            300,
            None,
            OVER.format("queries"),
            stage="pretrain",
        )
        for task in ("TIR", "ITR")
        for key, name, unit in (
            ("r1", "R@1", "%"),
            ("r5", "R@5", "%"),
            ("r10", "R@10", "%"),
            ("sum_r", "SumR", ""),
        )
    ),
    *(
        Metric(
            f"{key}/{metric}",
            task,
            name,
            unit,
            digits,
            4130,
            1920,
            OVER.format("products"),
            False,
            "recognition",
        )
        for key, task in (("m_cr", "M-CR"), ("s_cr", "S-CR"))
        for metric, name, unit, digits in (
            ("accuracy", "accuracy", "%", 2),
            ("macro_f", "macro-F", "", 3),
            ("sum_c", "SumC", "", 2),
        )
    ),
    Metric(
        "mig/psnr_masked", "MIG", "PSNR hidden", "dB", 2, 500, 430, OVER.format("products"), False, "pretrain"
    ),
]
LEVELS = dict(
    zip(
        (metric.key for metric in METRICS),
        (61.3, 88.0, 94.7, 244.0, 58.7, 86.3, 93.3, 238.3, 97.4, 0.932, 190.6, 88.9, 0.871, 176.0, 19.4),
        strict=True,
    )
)
VERSIONS = {"python": "3.11.9", "torch": "2.6.0", "lightning": "2.5.1", "numpy": "2.2.4"}
JUDGED = {"retrieval": "SumR", "recognition": "S-CR accuracy", "generation": "PSNR"}
SIDE = 64


def garment(hidden: np.ndarray) -> np.ndarray:
    """`[64, 64, 3]` uint8: a striped shirt on white, zero where `hidden [64, 64]` says so."""
    y, x = np.mgrid[:SIDE, :SIDE]
    body = (abs(x - 32) < 15) & (y > 12) & (y < 58)
    sleeves = (abs(x - 32) < 27 - (y - 14) * 0.25) & (y > 13) & (y < 32)
    picture = np.full((SIDE, SIDE, 3), 248, np.uint8)
    picture[body | sleeves] = (40, 90, 150)
    picture[(body | sleeves) & (y // 4 % 3 == 0)] = (235, 225, 200)
    picture[(abs(x - 32) < 7) & (y < 17) & (y > 10)] = (210, 170, 140)
    picture[hidden] = 0
    return picture


def squares(share: float, unit: int = 8) -> np.ndarray:
    """`[64, 64]` bool: a share of the squares of a grid, drawn at random."""
    cells = np.random.default_rng(0).random((SIDE // unit, SIDE // unit)) < share
    return np.kron(cells, np.ones((unit, unit), bool)).astype(bool)


def stage_run(path: Path, stage: str, seed: int, state: State = "done", reason: str = "") -> StageRun:
    if state == "missing":
        return StageRun(stage, seed, path, state, reason)
    path.mkdir(parents=True, exist_ok=True)
    if state != "done":
        return StageRun(stage, seed, path, state, reason, "0123456789ab", VERSIONS, "d" * 64)
    rng = np.random.default_rng(seed + sum(map(ord, str(path.parent.parent.name))))
    steps = list(range(100, 1701, 100))
    decay = np.exp(-np.arange(17) / 5) + rng.normal(0, 0.01, 17) + 0.1 * rng.random()
    curves = {
        f"{split}/{name}{suffix}": (steps, (level * (0.4 + decay) + shift).tolist())
        for name, level in (("loss", 8.0), ("itm", 0.6), ("mlm", 4.0), ("mir", 0.3))
        for split, suffix, shift in (("train", "_epoch", 0.0), ("dev", "", 0.05 * level))
    }
    curves["dev/itm_accuracy"] = (steps, [0.9] * 17)
    pretraining = stage == "pretrain"
    return StageRun(
        stage, seed, path, state, "", "0123456789ab", VERSIONS, "d" * 64, 410.0 if pretraining else 650.0,
        260.0 if pretraining else 95.0, 1480.0, 3_412_345, 2.34e8, curves if pretraining else {},
    )  # fmt: skip


def cell(metric: Metric, shift: float, is_reference: bool, seeds: list[int], paper: float | None) -> Cell:
    """`shift` in standard errors; beyond two it is real."""
    step = 0.008 if metric.digits == 3 else 0.3 if metric.unit == "dB" else 1.6
    if metric.name in ("SumR", "SumC"):
        step *= 2
    value = LEVELS[metric.key] + shift * step
    by_seed = {seed: value + 0.2 * step * (number - 1) for number, seed in enumerate(seeds)}
    ours = Estimate(
        value, (value - 1.5 * step, value + 1.5 * step), by_seed, 0.2 * step if len(seeds) > 1 else None
    )
    if is_reference:
        return Cell(ours, None, paper, None)
    p = float(np.exp(-abs(shift) * 1.6))
    difference = Difference(
        shift * step,
        ((shift - 2) * step, (shift + 2) * step),
        p / 2,
        p,
        bool(abs(shift) > 2),
        mark(shift, bool(abs(shift) > 2), metric.lower_is_better),
        2.9 * step if len(seeds) > 1 else None,
    )
    return Cell(ours, difference, paper, None if paper is None else 1.3 * (shift - 0.5) * step)


def verdict(shift: float, name: str) -> Verdict:
    said = f"{shift * 3.2:+.1f} [{shift * 3.2 - 3:+.1f}, {shift * 3.2 + 3:+.1f}]".replace(
        "-", "\N{MINUS SIGN}"
    )
    if abs(shift) < 2:
        bound = Bound(name, abs(shift * 3.2) + 3, 600, "", 1)
        words = f"{excluded_words([bound])}; 300 samples, 3 seeds"
        return Verdict("same", f"no difference seen ({words}): {said}", [bound])
    kind = mark(shift, True, False)
    return Verdict(kind, f"{kind}: {name} {said}")


def column(
    root: Path,
    study: str,
    name: str,
    label: str,
    shift: float = 0.0,
    *,
    is_reference: bool = False,
    axis: float | None = None,
    picture: np.ndarray | None = None,
    seeds: tuple[int, ...] = (0, 1, 2),
    with_paper: bool = True,
) -> ColumnReport:
    """A finished column whose numbers differ by `shift` standard errors."""
    cells = {}
    for position, metric in enumerate(METRICS):
        wobble = 0.0 if is_reference else 0.5 * np.sin(7.0 * position + len(label))
        paper = LEVELS[metric.key] * 0.6 if with_paper and metric.task != "MIG" else None
        cells[metric.key] = cell(metric, shift + wobble, is_reference, list(seeds), paper)
    runs = [
        stage_run(root / study / name / f"seed{seed}" / stage, stage, seed)
        for stage in ("pretrain", "recognition")
        for seed in seeds
    ]
    verdicts = {} if is_reference else {group: verdict(shift, name) for group, name in JUDGED.items()}
    overlay = (
        ""
        if is_reference
        else f"# Overlay: {label}.\nmodel:\n  init_args: {{mir: {{mask: {{ratio: 0.1}}}}}}\n"
    )
    return ColumnReport(name, label, overlay, "done", cells, verdicts, axis, runs, picture)


def open_column(root: Path, study: str, name: str, label: str, state: State, reason: str) -> ColumnReport:
    """A column without numbers."""
    runs = [
        stage_run(root / study / name / "seed0" / "pretrain", "pretrain", 0, state, reason),
        stage_run(root / study / name / "seed0" / "recognition", "recognition", 0, "missing"),
    ]
    verdicts = dict.fromkeys(JUDGED, Verdict("not measured", "not measured"))
    return ColumnReport(name, label, f"# Overlay: {label}.\n", state, {}, verdicts, None, runs)


def ordered_study(root: Path) -> StudyReport:
    """With an axis by doubling, the paper's numbers and masks; one column of each outcome."""
    units = {"B1": 1, "B2": 2, "Final": 4, "B3": 8, "B4": 16}
    shifts = {"B1": -3.1, "B2": -0.4, "Final": 0.0, "B3": 0.7, "B4": 2.9}
    columns = [
        column(
            root, "mask_unit", name, f"{unit} px", shifts[name], is_reference=name == "Final",
            axis=float(unit), picture=garment(squares(0.5, unit)),
        )
        for name, unit in units.items()
    ]  # fmt: skip
    found = [columns[0].cells[metric.key].difference for metric in METRICS]
    metrics = [
        dataclasses.replace(metric, detectable=one.detectable if one else None)
        for metric, one in zip(METRICS, found, strict=True)
    ]
    return StudyReport(
        "mask_unit", "Masking unit", "How large should a hidden square be?", "MVLT Table 3, B1 to B4",
        "side of a hidden square, px", "Final", [0, 1, 2], metrics, columns, "mvlt_table3",
    )  # fmt: skip


def open_study(root: Path) -> StudyReport:
    """Without an axis; failed, unfinished and missing columns, one seed, a label that would upset HTML."""
    one = {"seeds": (0,), "with_paper": False}
    columns = [
        column(root, "objectives", "D1", "no <ITM> & \"co\"", -4.0, **one),
        open_column(
            root, "objectives", "D2", "no MLM", "failed",
            "NonFiniteLossError: epoch 3, step 512: loss is nan (itm 0.31, mir nan) in rows <17, 23>",
        ),
        open_column(root, "objectives", "D3", "no MIR", "unfinished", "stopped at epoch 9 of 17"),
        open_column(root, "objectives", "D4", "nothing", "missing", ""),
        column(root, "mvlt", "Final", "all three", is_reference=True, picture=garment(squares(0.5)), **one),
    ]  # fmt: skip
    return StudyReport(
        "objectives", "Objectives & <losses>", "Which objective earns its cost?", "ours", "", "Final", [0],
        METRICS, columns, None,
    )  # fmt: skip


def claims(study: StudyReport) -> list[Claim]:
    """Claims on every metric the paper prints; the largest exceed their interval."""
    found = []
    for one in study.columns:
        for metric in study.metrics:
            difference = one.cells[metric.key].paper_difference
            if difference is not None:
                n = 1000 if metric.task in ("TIR", "ITR") else 32528
                reach = 0.02 if metric.digits == 3 else 3.4
                found.append(
                    Claim(
                        study.name, one.id, f"{metric.task} {metric.name}", difference,
                        (difference - reach, difference + reach), n,
                        bool(abs(difference) > reach), mark(difference, abs(difference) > reach, False),
                    )
                )  # fmt: skip
    return found


def fake_report(root: Path) -> Report:
    """Two studies over run folders made, empty, under `root`."""
    ordered, opened = ordered_study(root), open_study(root)
    notes = [
        "Small networks on synthetic garments: only differences can be compared with the paper's.",
        "1 of 10 columns failed & 2 have not ended.",
    ]
    return Report("Ablations at laptop scale", "laptop", "d" * 64, [ordered, opened], claims(ordered), notes)


def empty_report(root: Path) -> Report:
    """One study of which nothing has run."""
    study = ordered_study(root)
    columns = [
        dataclasses.replace(
            open_column(root, "none", one.id, one.label, "missing", ""), axis=None, verdicts={}
        )
        for one in study.columns
    ]
    metrics = [dataclasses.replace(metric, n=None, clusters=None) for metric in METRICS]
    return Report(
        "Nothing yet", "laptop", "", [dataclasses.replace(study, columns=columns, metrics=metrics)], [], []
    )
