"""Run folders."""

import json
from pathlib import Path

import pytest
import yaml

from fashionvl.errors import InputError
from fashionvl.tasks.recording import MetricsLog
from fashionvl.tasks.run_folder import SCHEMA, RunFolder, provenance

CONFIG = {"model": {"lr": 0.1, "mask": {"ratio": 0.5}}, "data": {"root": None}, "ckpt_path": None}


def test_the_first_claim_writes_the_configuration_and_the_same_one_continues(tmp_path: Path) -> None:
    folder = _trained(tmp_path / "run")
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text()) == CONFIG
    folder.claim({**CONFIG, "ckpt_path": "elsewhere.ckpt"})
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text()) == CONFIG


def _trained(path: Path) -> RunFolder:
    folder = RunFolder(path)
    folder.claim(CONFIG)
    folder.checkpoints.mkdir()
    folder.last_checkpoint.write_bytes(b"weights")
    return folder


def test_a_folder_without_a_checkpoint_takes_a_corrected_configuration(tmp_path: Path) -> None:
    RunFolder(tmp_path).claim({**CONFIG, "model": {"lr": -1}})
    RunFolder(tmp_path).claim(CONFIG)
    assert yaml.safe_load((tmp_path / "config.yaml").read_text()) == CONFIG


def test_another_configuration_is_refused_by_key(tmp_path: Path) -> None:
    folder = _trained(tmp_path / "run")
    other = {**CONFIG, "model": {"lr": 0.1, "mask": {"ratio": 0.7}}, "extra": 1}
    with pytest.raises(InputError, match=r"extra was absent, is 1; model\.mask\.ratio was 0\.5, is 0\.7"):
        folder.claim(other)
    with pytest.raises(InputError, match=r"model\.mask\.ratio"):
        folder.check(other, ("model", "data"))
    folder.check({**CONFIG, "trainer": 8}, ("model", "data"))


def test_records_add_up_and_stages_are_remembered(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert not folder.finished("fit")
    folder.record(fit={"loss": 1.0}, seed=3)
    folder.record(test={"r1": 5.0})
    assert folder.finished("fit")
    assert folder.finished("test")
    assert folder.metrics() == {"schema": SCHEMA, "fit": {"loss": 1.0}, "seed": 3, "test": {"r1": 5.0}}
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]


def test_a_half_written_or_newer_record_is_named(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    (tmp_path / "metrics.json").write_text('{"schema": 1, "fit"')
    with pytest.raises(InputError, match=r"metrics\.json: not valid JSON"):
        folder.metrics()
    (tmp_path / "metrics.json").write_text(json.dumps({"schema": SCHEMA + 1}))
    with pytest.raises(InputError, match="is newer than"):
        folder.finished("fit")


def test_provenance_names_versions() -> None:
    found = provenance()
    assert found["versions"]["torch"] != "not installed"
    assert "commit" in found


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_a_continued_log_drops_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    first = MetricsLog(path)
    for step in range(4):
        first.log_metrics({"train/loss": 4.0 - step, "epoch": step // 2}, step)
    continued = MetricsLog(path)
    continued.log_metrics({"train/loss": 0.5, "epoch": 1}, 2)
    assert _lines(path) == [
        "step,epoch,name,value",
        "0,0,train/loss,4.0",
        "1,0,train/loss,3.0",
        "2,1,train/loss,0.5",
    ]


def test_a_later_test_drops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    MetricsLog(path).log_metrics({"train/loss": 1.0}, 7)
    MetricsLog(path, training=False).log_metrics({"tir/r1": 5.0}, 0)
    assert _lines(path)[1:] == ["7,0,train/loss,1.0", "0,0,tir/r1,5.0"]


def test_a_line_cut_by_a_kill_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    MetricsLog(path).log_metrics({"train/loss": 1.0}, 0)
    with path.open("a") as file:
        file.write("1,0,tra")
    MetricsLog(path).log_metrics({"train/loss": 2.0}, 5)
    assert _lines(path)[1:] == ["0,0,train/loss,1.0", "5,0,train/loss,2.0"]
