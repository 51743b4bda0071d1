"""Run folders packed into one file and read back."""

import json
from pathlib import Path

import numpy as np
import pytest

from fashionvl.errors import InputError
from fashionvl.runs.bundle import Bundle, open_runs, write_bundle
from fashionvl.runs.reading import read_run

WANTED = {"tir": ("query_id", "rank"), "examples/mig": ("original",), "absent": ("x",)}


def write_run(path: Path, seed: int = 0) -> None:
    (path / "examples").mkdir(parents=True)
    (path / "metrics.json").write_text(json.dumps({"schema": 1, "seed": seed, "test": {"tir/r1": 5.5}}))
    (path / "config.yaml").write_text("model: {ratio: 0.5}\n")
    (path / "metrics.csv").write_text(
        "step,epoch,name,value\n9,0,train/itm_step,0.7\n9,0,train/itm_epoch,0.6\n9,0,dev/itm,0.1234567890123\n"
    )
    arrays = {"query_id": np.arange(4), "rank": np.array([1.5, 2, 3, 1 / 3]), "hit@1": np.ones(4)}
    np.savez_compressed(path / "tir.npz", **arrays)
    np.savez(path / "examples" / "mig.npz", original=np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3))


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    write_run(tmp_path / "runs" / "a" / "seed0" / "pretrain")
    write_run(tmp_path / "runs" / "a" / "seed1" / "pretrain", seed=1)
    (tmp_path / "runs" / "plans").mkdir()
    assert write_bundle(tmp_path / "runs", tmp_path / "out" / "runs.json", WANTED) == 2
    return tmp_path / "out" / "runs.json"


def test_a_run_reads_as_it_did_from_its_folder(packed: Path, tmp_path: Path) -> None:
    files = open_runs(packed)
    inside = Path("a/seed1/pretrain")
    run, before = read_run(packed / inside, files), read_run(tmp_path / "runs" / inside)
    assert (run.record, run.config()) == (before.record, {"model": {"ratio": 0.5}})
    assert (run.name, run.test) == ("pretrain", {"tir/r1": 5.5})
    arrays, expected = run.arrays("tir", ("query_id", "rank")), before.arrays("tir", ("query_id", "rank"))
    assert arrays is not None
    assert expected is not None
    for name, values in arrays.items():
        assert values.dtype == expected[name].dtype
        np.testing.assert_array_equal(values, expected[name])


def test_steps_other_arrays_and_further_examples_are_left_out(packed: Path) -> None:
    run = read_run(packed / "a/seed0/pretrain", open_runs(packed))
    log = run.log()
    assert set(log) == {"train/itm_epoch", "dev/itm"}
    assert log["dev/itm"].values.tolist() == [0.1234567890123]
    with pytest.raises(InputError, match="hit@1"):
        run.arrays("tir", ("hit@1",))
    examples = run.arrays("examples/mig", ("original",))
    assert examples is not None
    assert examples["original"].tolist() == [np.arange(12).reshape(2, 2, 3).tolist()]
    assert run.arrays("absent", ()) is None


def test_folders_are_those_of_the_runs(packed: Path) -> None:
    files = open_runs(packed)
    assert files.folders(packed) == ["a"]
    assert files.folders(packed / "a") == ["seed0", "seed1"]
    assert files.folders(packed / "b") == []
    assert files.exists(packed / "a/seed0/pretrain/config.yaml")
    assert files.exists(packed / "a/seed0")
    assert not files.exists(packed / "a/seed2")
    run = read_run(packed / "a/seed2/pretrain", files)
    assert (run.record, run.config(), run.log()) == ({}, None, {})


def test_the_same_runs_give_the_same_bytes(packed: Path, tmp_path: Path) -> None:
    write_bundle(tmp_path / "runs", tmp_path / "again.json", WANTED)
    assert (tmp_path / "again.json").read_bytes() == packed.read_bytes()


def test_a_folder_is_opened_as_one_and_a_missing_file_is_named(tmp_path: Path) -> None:
    assert open_runs(tmp_path / "later").folders(tmp_path / "later") == []
    with pytest.raises(InputError, match=r"runs\.json: no such file"):
        open_runs(tmp_path / "runs.json")
    with pytest.raises(InputError, match="holds no run"):
        write_bundle(tmp_path, tmp_path / "runs.json", {})


@pytest.mark.parametrize("change", ["{}", "no JSON", "files", "schema"])
def test_damaged_and_newer_bundles_are_refused(packed: Path, change: str) -> None:
    content = json.loads(packed.read_text())
    if change == "files":
        content["files"] = content["files"][:400]
    if change == "schema":
        content["schema"] = 99
    packed.write_text(json.dumps(content) if change in content else change)
    message = "schema 99 is newer" if change == "schema" else "no readable bundle of runs"
    with pytest.raises(InputError, match=message):
        Bundle(packed)
