"""Every stage and seed of every column, there or not."""

import numpy as np
import pytest
import yaml
from synthetic_study import edit_record, run_path, write_column, write_pretrain, write_pyramid, write_study
from synthetic_study import ranks_of as ranks

from fashionvl.errors import InputError
from fashionvl.reporting.study.gather import axis_value, check_together, gather, masked_picture


def nested(key, value):
    for name in reversed(key.split(".")):
        value = {name: value}
    return value


def column_of(gathered, name):
    return next(column for column in gathered.columns if column.column.id == name)


def test_seeds_are_those_on_disk(tmp_path):
    study = write_study(tmp_path)
    assert gather(study, tmp_path / "runs", "laptop").seeds == [0]
    write_column(tmp_path / "runs", "Final", {0: 0.5, 10: 0.5})
    write_column(tmp_path / "runs", "A1", {2: 0.5})
    (tmp_path / "runs" / "mvlt" / "Final" / "seedling").mkdir()
    assert gather(study, tmp_path / "runs", "laptop").seeds == [0, 2, 10]
    assert gather(study, tmp_path / "runs", "laptop", [1, 0, 1]).seeds == [0, 1]


def test_every_stage_and_seed_is_listed_and_the_shared_one_once(tmp_path):
    study = write_study(tmp_path)
    write_column(tmp_path / "runs", "A1", {0: 0.5})
    config = run_path(tmp_path / "runs", "A1", 0, "pretrain") / "config.yaml"
    config.write_text(yaml.safe_dump(nested(study.recipe.stage("pretrain").inputs[0].key, "pyramid/model")))
    found = gather(study, tmp_path / "runs", "laptop", [0, 1])
    listed = [(run.shown.stage, run.shown.seed, run.shown.state) for run in column_of(found, "A1").runs]
    assert listed == [
        ("pyramid", 0, "missing"),
        ("pretrain", 0, "done"),
        ("pretrain", 1, "missing"),
        ("recognition", 0, "done"),
        ("recognition", 1, "missing"),
    ]
    assert found.data == "d" * 64


def test_a_shared_stage_that_came_later_is_not_missing(tmp_path):
    study, runs = write_study(tmp_path), tmp_path / "runs"
    write_column(runs, "A1", {0: 0.5})
    config = run_path(runs, "A1", 0, "pretrain") / "config.yaml"
    key = study.recipe.stage("pretrain").inputs[0].key
    for value, stages in ((None, ["pretrain", "recognition"]), ("x", ["pyramid", "pretrain", "recognition"])):
        config.write_text(yaml.safe_dump(nested(key, value)))
        (column,) = [found for found in gather(study, runs, "laptop").columns if found.column.id == "A1"]
        assert [run.shown.stage for run in column.runs] == stages


def test_state_of_a_column_is_its_worst(tmp_path):
    study, runs = write_study(tmp_path), tmp_path / "runs"
    write_pyramid(runs)
    write_column(runs, "Final", {0: 0.5, 1: 0.5})
    write_column(runs, "A1", {0: 0.5})
    write_column(runs, "A2", {0: 0.5, 1: 0.5})
    edit_record(run_path(runs, "A2", 1, "recognition"), test=None)
    states = {found.column.id: found.state for found in gather(study, runs, "laptop").columns}
    assert states == {"A1": "missing", "A2": "unfinished", "Final": "done"}
    (run_path(runs, "A1", 0, "pretrain") / "failed.json").write_text("{}")
    assert column_of(gather(study, runs, "laptop"), "A1").state == "failed"


def test_only_finished_runs_are_measured(tmp_path):
    study, runs = write_study(tmp_path), tmp_path / "runs"
    write_column(runs, "A1", {0: 0.5, 1: 0.5})
    (run_path(runs, "A1", 1, "pretrain") / "failed.json").write_text("{}")
    found = gather(study, runs, "laptop")
    assert set(found.tested("tir")) == {("A1", 0)}
    assert set(found.tested("m_cr")) == {("A1", 0), ("A1", 1)}


def test_two_stages_tested_on_one_protocol_are_refused(tmp_path):
    study, runs = write_study(tmp_path), tmp_path / "runs"
    write_pretrain(run_path(runs, "A1", 0, "pretrain"), ranks(0.5, 0))
    write_pretrain(run_path(runs, "A1", 0, "recognition"), ranks(0.5, 0))
    with pytest.raises(InputError, match=r"pretrain and .*recognition were both tested on tir"):
        gather(study, runs, "laptop").tested("tir")


def test_studies_of_other_data_do_not_share_a_report(tmp_path):
    first, second, runs = write_study(tmp_path), write_study(tmp_path, "other"), tmp_path / "runs"
    write_column(runs, "A1", {0: 0.5})
    write_column(runs, "A1", {0: 0.5}, study="other")
    for stage in ("pretrain", "recognition"):
        edit_record(run_path(runs, "A1", 0, stage, "other"), data={"fingerprint": "e" * 64})
    gathered = [gather(study, runs, "laptop") for study in (first, second)]
    with pytest.raises(InputError, match="data differ"):
        check_together(gathered)
    assert check_together(gathered[:1]) == "d" * 64


def test_axis_is_read_from_the_resolved_configuration(tmp_path):
    study, runs = write_study(tmp_path), tmp_path / "runs"
    write_column(runs, "A1", {0: 0.5}, ratio=0.1)
    found = gather(study, runs, "laptop")
    assert axis_value(study, column_of(found, "A1")) == 0.1
    assert axis_value(study, column_of(found, "A2")) is None


def test_picture_has_its_hidden_area_at_zero(tmp_path):
    study, runs = write_study(tmp_path), tmp_path / "runs"
    write_column(runs, "A1", {0: 0.5})
    examples = run_path(runs, "A1", 0, "pretrain") / "examples"
    examples.mkdir()
    original, hidden = np.full((8, 4, 4, 3), 200, np.uint8), np.zeros((8, 4, 4), bool)
    hidden[0, 0, 0] = True
    np.savez(examples / "mig.npz", original=original, hidden=hidden)
    column = column_of(gather(study, runs, "laptop"), "A1")
    picture = masked_picture(column)
    assert picture[0, 0].tolist() == [0, 0, 0]
    assert picture[0, 1].tolist() == [200, 200, 200]
    np.savez(examples / "mig.npz", original=original)
    assert masked_picture(column) is None


def test_unknown_scale_is_refused(tmp_path):
    with pytest.raises(InputError, match="no scale 'moon'"):
        gather(write_study(tmp_path), tmp_path, "moon")
