"""Run folders: whole, unfinished, damaged."""

import json
from pathlib import Path

import numpy as np
import pytest

from fashionvl.errors import InputError
from fashionvl.runs.reading import read_run, read_runs


def test_stages_come_in_the_order_they_run(experiment):
    (experiment / "extra").mkdir()
    (experiment / "extra" / "metrics.json").write_text('{"schema": 1}')
    (experiment / "pictures").mkdir()
    assert [run.name for run in read_runs(experiment)] == ["pyramid", "pretrain", "recognition", "extra"]


def test_time_of_a_stage_is_training_and_test(experiment):
    assert [run.seconds for run in read_runs(experiment)] == [10.0, 80.0, 35.0]


def test_stage_without_a_record_is_unfinished(experiment):
    (experiment / "recognition" / "metrics.json").unlink()
    unfinished = read_runs(experiment)[2]
    assert (unfinished.record, unfinished.test, unfinished.seconds) == ({}, {}, 0.0)
    assert unfinished.log()


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere: no such folder"):
        read_runs(tmp_path / "nowhere")


def test_folder_without_any_record_is_refused(tmp_path, log):
    log(tmp_path / "pretrain", "1,0,train/loss_step,0.5")
    with pytest.raises(InputError, match=r"holds no run with a metrics.json.*pretrain"):
        read_runs(tmp_path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"schema": 1, "test": {"tir/r1": 1', "not valid JSON"),
        ("", "not valid JSON"),
        ("[]", "expected an object"),
        ('{"schema": 2}', "schema 2 is newer than 1"),
    ],
)
def test_unusable_record_is_named(experiment, text, complaint):
    file = experiment / "pretrain" / "metrics.json"
    file.write_text(text)
    with pytest.raises(InputError, match=complaint) as caught:
        read_runs(experiment)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_section_that_is_no_object_is_named(tmp_path):
    (tmp_path / "metrics.json").write_text(json.dumps({"schema": 1, "test": 3}))
    with pytest.raises(InputError, match="'test' is int"):
        _ = read_run(tmp_path).test


def test_log_groups_by_name_in_order(tmp_path, log):
    log(tmp_path, "9,0,train/loss_step,1.5", "9,0,lr,0.1", "19,0,train/loss_step,0.5")
    series = read_run(tmp_path).log()
    np.testing.assert_array_equal(series["train/loss_step"].steps, [9, 19])
    np.testing.assert_array_equal(series["train/loss_step"].values, [1.5, 0.5])
    assert set(series) == {"train/loss_step", "lr"}


@pytest.mark.parametrize("last", ["19,0,train/lo", "19,0,train/loss_step,", "1"])
def test_log_cut_short_keeps_what_is_whole(tmp_path, log, last):
    log(tmp_path, "9,0,train/loss_step,1.5", last)
    assert {
        name: list(series.values) for name, series in read_run(tmp_path).log().items() if len(series.steps)
    } == {"train/loss_step": [1.5]}


def test_log_broken_in_the_middle_is_refused(tmp_path, log):
    log(tmp_path, "9,0,train/loss_step,1.5", "what", "19,0,train/loss_step,0.5")
    with pytest.raises(InputError, match=r"metrics\.csv: line 3"):
        read_run(tmp_path).log()


def test_empty_log_has_no_series(tmp_path):
    (tmp_path / "metrics.csv").write_text("")
    assert read_run(tmp_path).log() == {}


def test_arrays_are_none_without_their_file(tmp_path):
    assert read_run(tmp_path).arrays("tir", ("rank",)) is None


@pytest.mark.parametrize("keep", [0, 200])
def test_damaged_arrays_are_named(experiment, keep):
    file = experiment / "pretrain" / "tir.npz"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"tir\.npz: damaged"):
        read_run(experiment / "pretrain").arrays("tir", ("rank",))


def test_lacking_array_is_named(experiment):
    with pytest.raises(InputError, match=r"tir\.npz.*hit@20"):
        read_run(experiment / "pretrain").arrays("tir", ("rank", "hit@20"))


def test_arrays_of_objects_are_refused(tmp_path: Path):
    np.savez(tmp_path / "tir.npz", rank=np.array([{"no": "pickles"}], dtype=object))
    with pytest.raises(InputError, match="damaged"):
        read_run(tmp_path).arrays("tir", ("rank",))
