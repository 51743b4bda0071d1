"""States of run folders, and those that may share a table."""

import json

import pytest
from synthetic_study import edit_record, run_path, write_column, write_pyramid, write_record

from fashionvl.errors import InputError
from fashionvl.reporting.study.stage_runs import check_same, read_study_run
from fashionvl.runs.reading import read_run


def read(path, stage="pretrain", shared=False):
    return read_study_run(read_run(path), stage, 0, shared)


def test_finished_run_has_its_facts(tmp_path):
    write_column(tmp_path, "A1", {0: 0.5})
    found = read(run_path(tmp_path, "A1", 0, "pretrain"))
    shown = found.shown
    assert found.usable
    assert (shown.state, shown.commit, shown.parameters, shown.flops) == ("done", "0123456789ab", 1234, 5e6)
    assert (shown.pairs_per_second, shown.seconds, shown.peak_mb) == (100.0, 40.0, 500.0)
    assert shown.versions["torch"] == "2.6.0"
    assert shown.curves == {"train/itm_step": ([9], [0.7])}


def test_nothing_there_is_missing(tmp_path):
    (tmp_path / "pretrain").mkdir()
    for path in (tmp_path / "nowhere", tmp_path / "pretrain"):
        assert read(path).shown.state == "missing"
        assert read(path).shown.seconds is None


@pytest.mark.parametrize("dropped", [{"test": None}, {"fit": None}, {"fit": None, "test": None}])
def test_half_a_record_is_unfinished(tmp_path, dropped):
    write_column(tmp_path, "A1", {0: 0.5})
    path = run_path(tmp_path, "A1", 0, "pretrain")
    edit_record(path, **dropped)
    assert read(path).shown.state == "unfinished"


def test_a_checkpoint_alone_is_unfinished(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    assert read(tmp_path).shown.state == "unfinished"


def test_a_stage_without_a_test_is_done_when_trained(tmp_path):
    write_pyramid(tmp_path)
    assert read(tmp_path / "mvlt" / "pyramid", "pyramid", shared=True).usable
    write_record(tmp_path / "alone")
    assert read(tmp_path / "alone").shown.state == "unfinished"
    (tmp_path / "alone" / "config.yaml").write_text("then_test: false\n")
    assert read(tmp_path / "alone").usable


def test_failure_counts_before_earlier_numbers(tmp_path):
    write_column(tmp_path, "A1", {0: 0.5})
    path = run_path(tmp_path, "A1", 0, "pretrain")
    (path / "failed.json").write_text(json.dumps({"stage": "fit", "error": "loss is\nnan", "when": "now"}))
    found = read(path)
    assert (found.shown.state, found.shown.reason, found.usable) == ("failed", "fit: loss is nan", False)


def test_damaged_note_of_a_failure_does_not_stop_the_report(tmp_path):
    (tmp_path / "failed.json").write_text("{")
    assert read(tmp_path).shown.reason == "failed.json cannot be read"


@pytest.mark.parametrize(
    ("text", "complaint"), [('{"schema": 1, "te', "not valid JSON"), ('{"schema": 2}', "newer than 1")]
)
def test_unusable_record_is_named(tmp_path, text, complaint):
    (tmp_path / "metrics.json").write_text(text)
    with pytest.raises(InputError, match=complaint) as caught:
        read(tmp_path)
    assert str(tmp_path / "metrics.json") in str(caught.value)


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"data": {"fingerprint": "e" * 64}}, ["data differ", "d" * 16, "e" * 16]),
        ({"candidates": {"tir": {"fingerprint": "other"}}}, ["candidates of tir", "other", "candidates-tir"]),
    ],
)
def test_runs_that_do_not_compare_are_named_both(tmp_path, sections, words):
    write_column(tmp_path, "A1", {0: 0.5, 1: 0.5})
    paths = [run_path(tmp_path, "A1", seed, "pretrain") for seed in (0, 1)]
    edit_record(paths[1], **sections)
    with pytest.raises(InputError) as caught:
        check_same([read(path) for path in paths], "laptop")
    for word in (*words, *map(str, paths)):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_scale_is_refused(tmp_path):
    write_column(tmp_path, "A1", {0: 0.5})
    path = run_path(tmp_path, "A1", 0, "pretrain")
    edit_record(path, scale="gpu")
    with pytest.raises(InputError, match="a run at gpu scale, but the report is of laptop") as caught:
        check_same([read(path)], "laptop")
    assert str(path) in str(caught.value)
    assert check_same([read(path)], "gpu") == "d" * 64


def test_nothing_recorded_has_no_data(tmp_path):
    assert check_same([read(tmp_path / "nowhere")], "laptop") == ""
