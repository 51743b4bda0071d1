"""Retrieval results of single runs, from a records file written by hand."""

import base64
import io
import json
import lzma
import tarfile
from pathlib import Path
from typing import Any

import pytest

from fashionvl.cli import main
from fashionvl.errors import InputError
from fashionvl.reporting.seeds import read_seeds, seeds_json

DRAWN = "data: {init_args: {root: null, synthetic: {seed: 3}}}\n"
OWN = "data: {init_args: {root: ../shared/fashion-product-images/images.csv, synthetic: {seed: 0}}}\n"


def results(level: float) -> dict[str, float]:
    return {
        f"{direction}/{key}": level + shift + step
        for direction, shift in (("tir", 0.0), ("itr", 100.0))
        for step, key in enumerate(("r1", "r5", "r10", "sum_r", "median_rank"))
    }


def record(column: str, seed: int, **sections: Any) -> dict[str, Any]:
    return {
        "schema": 1, "scale": "laptop", "study": "objectives", "column": column, "seed": seed,
        "network": "MVLT", "test": results(1.000049), **sections,
    }  # fmt: skip


def write_records(file: Path, runs: dict[str, dict[str, Any]], config: str = DRAWN) -> Path:
    """A bundle as `fashionvl records` writes it, with the same configuration for every run."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in runs:
            entry = tarfile.TarInfo(f"{name}/config.yaml")
            entry.size = len(config)
            archive.addfile(entry, io.BytesIO(config.encode()))
    packed = base64.b64encode(lzma.compress(stream.getvalue())).decode()
    file.write_text(json.dumps({"schema": 1, "runs": runs, "files": packed}))
    return file


def test_one_entry_a_run_sorted_and_rounded(tmp_path: Path) -> None:
    first = write_records(
        tmp_path / "first.json",
        {
            "objectives/D1/seed10/pretrain": record("D1", 10),
            "objectives/D1/seed2/pretrain": record("D1", 2),
            "akpm/B/seed0/pretrain": record("B", 0, network="KaleidoBERT", study="akpm"),
        },
    )
    second = write_records(
        tmp_path / "second.json", {"objectives/D1/seed2/pretrain": record("D1", 2)}, config=OWN
    )
    entries, left_out = read_seeds([first, second])
    assert left_out == []
    assert [(e["data"], e.get("catalogue_seed"), e["model"], e["column"], e["seed"]) for e in entries] == [
        ("fashion-product-images", None, "MVLT", "D1", 2),
        ("synthetic", 3, "Kaleido-BERT", "B", 0),
        ("synthetic", 3, "MVLT", "D1", 2),
        ("synthetic", 3, "MVLT", "D1", 10),
    ]
    assert entries[2]["tir"] == {"r1": 1.0, "r5": 2.0, "r10": 3.0, "sum_r": 4.0}
    assert entries[2]["itr"] == {"r1": 101.0, "r5": 102.0, "r10": 103.0, "sum_r": 104.0}
    text = seeds_json(entries)
    assert json.loads(text) == entries
    assert [line[:9] for line in text.splitlines()] == ["[", *['{"data": '] * 4, "]"]


def test_runs_without_both_directions_are_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    half = {key: value for key, value in results(1.0).items() if key.startswith("tir")}
    file = write_records(
        tmp_path / "runs.json",
        {
            "objectives/D1/seed0/pretrain": record("D1", 0, test=half),
            "objectives/D1/seed0/recognition": record("D1", 0, test={"m_cr/accuracy": 99.0}),
            "objectives/D2/seed0/pretrain": record("D2", 0),
            "objectives/D3/seed0/pretrain": record("D3", 0, limited={"test": {"limit_test_batches": 2}}),
        },
    )
    main(["seeds", str(file), "--out", str(tmp_path / "new" / "seeds.json")])
    printed = capsys.readouterr()
    assert "1 runs, 3 left out" in printed.out
    assert printed.err.splitlines() == [
        f"left out: {file}/objectives/D1/seed0/pretrain: no results of itr",
        f"left out: {file}/objectives/D1/seed0/recognition: no results of tir and itr",
        (
            f"left out: {file}/objectives/D3/seed0/pretrain: saw a part of its data only (test: "
            "limit_test_batches 2)"
        ),
    ]
    assert [entry["column"] for entry in json.loads((tmp_path / "new" / "seeds.json").read_text())] == ["D2"]


def test_run_folders_are_read_too(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "mvlt" / "Final" / "seed1" / "pretrain"
    run.mkdir(parents=True)
    (run / "metrics.json").write_text(json.dumps(record("Final", 1, study="mvlt", network=None)))
    (run / "config.yaml").write_text(
        DRAWN + "model: {init_args: {network: {class_path: fashionvl.models.MVLT}}}\n"
    )
    ((entry,), _) = read_seeds([tmp_path / "runs"])
    assert (entry["model"], entry["study"], entry["column"], entry["seed"]) == ("MVLT", "mvlt", "Final", 1)


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ({"a": record("D1", 0), "b": record("D1", 0)}, "both objectives/D1 of MVLT with seed 0"),
        ({"a": record("D1", 0), "b": record("D2", 0, scale="gpu")}, "different scales"),
        ({"a": record("D1", 0, study=None)}, "has no 'study'"),
        ({"a": record("D1", 0, network=None)}, "names no network"),
        ({}, "holds no run"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    tmp_path: Path, runs: dict[str, dict[str, Any]], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        read_seeds([write_records(tmp_path / "runs.json", runs)])
