"""Run folders."""

import json
from pathlib import Path

import pytest
import yaml

from fashionvl.errors import InputError
from fashionvl.runs.folder import RunFolder
from fashionvl.runs.layout import SCHEMA
from fashionvl.runs.provenance import provenance
from fashionvl.training.metrics_log import MetricsLog

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


@pytest.mark.parametrize("name", ["config.yaml", "metrics.csv", "model", "tokenizer", "examples"])
def test_a_folder_of_somebody_else_is_not_claimed(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    if "." in name:
        file.write_text("mine")
    else:
        file.mkdir()
    (tmp_path / "output.log").write_text("the shell's")
    with pytest.raises(InputError, match=f"is no run folder .*holds a {name}"):
        RunFolder(tmp_path).claim(CONFIG)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "output.log"])
    (file.rmdir if file.is_dir() else file.unlink)()
    RunFolder(tmp_path).claim(CONFIG)


def test_another_configuration_is_refused_by_key(tmp_path: Path) -> None:
    folder = _trained(tmp_path / "run")
    other = {**CONFIG, "model": {"lr": 0.1, "mask": {"ratio": 0.7}}, "extra": 1}
    with pytest.raises(InputError, match=r"extra was absent, is 1; model\.mask\.ratio was 0\.5, is 0\.7"):
        folder.claim(other)
    with pytest.raises(InputError, match=r"model\.mask\.ratio"):
        folder.check(other, ("model", "data"))
    folder.check({**CONFIG, "trainer": 8}, ("model", "data"))


def test_a_changed_run_is_set_aside_when_asked_and_nothing_is_lost(tmp_path: Path) -> None:
    other = {**CONFIG, "model": {"lr": 0.2}}
    folder = _trained(tmp_path / "run")
    mark = json.loads((folder.path / "claim.json").read_text())["config"][:8]
    folder.claim(CONFIG, "set_aside")
    assert folder.last_checkpoint.exists()
    folder.claim(other, "set_aside")
    assert not folder.last_checkpoint.exists()
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text()) == other
    assert (tmp_path / f"run.{mark}" / "checkpoints" / "last.ckpt").read_bytes() == b"weights"
    folder.record(fit={})
    folder.claim(CONFIG, "set_aside")
    folder.record(fit={})
    folder.claim(other, "set_aside")
    assert (tmp_path / f"run.{mark}-2").is_dir()


def test_a_run_from_other_weights_is_not_continued(tmp_path: Path) -> None:
    weights = tmp_path / "earlier" / "model" / "model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"first")
    config = {"model": {"init_args": {"weights": str(tmp_path / "earlier")}}}
    folder = RunFolder(tmp_path / "run")
    folder.claim(config)
    folder.record(fit={"loss": 1.0})
    folder.claim(config)
    weights.write_bytes(b"second")
    with pytest.raises(
        InputError, match=r"started from other weights \(model\.init_args\.weights has changed"
    ):
        folder.claim(config)
    folder.claim(config, "set_aside")
    assert not folder.finished("fit")


def test_a_run_from_other_features_is_not_continued(tmp_path: Path) -> None:
    manifest = tmp_path / "features" / "train" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("first")
    config = {"data": {"init_args": {"kaleido": {"features": str(tmp_path / "features")}}}}
    folder = RunFolder(tmp_path / "run")
    folder.claim(config)
    folder.record(fit={"loss": 1.0})
    folder.claim(config)
    manifest.write_text("second")
    with pytest.raises(InputError, match=r"\(data\.init_args\.kaleido\.features\.train has changed"):
        folder.claim(config)


def test_other_data_are_refused(tmp_path: Path) -> None:
    folder = _trained(tmp_path / "run")
    folder.check_data("a" * 64)
    folder.check_data("a" * 64)
    with pytest.raises(
        InputError, match=r"holds a run on other data \(fingerprint aaaaaaaaaaaaaaaa, now bbb"
    ):
        folder.check_data("b" * 64)


def test_a_failure_is_remembered_until_the_next_attempt(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.failed("fit", ValueError("nothing was claimed"))
    assert not (tmp_path / "run").exists()
    folder.claim(CONFIG)
    folder.failed("fit", ValueError("two\nlines"))
    found = json.loads((tmp_path / "run" / "failed.json").read_text())
    assert (found["stage"], found["error"]) == ("fit", "ValueError: two lines")
    folder.retry()
    assert not (tmp_path / "run" / "failed.json").exists()


def test_the_other_processes_wait_for_the_first_ones_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.claim(CONFIG)
    folder.await_claim({**CONFIG, "run_dir": "said otherwise"})
    monkeypatch.setattr("fashionvl.runs.folder.CLAIM_WAIT_SECONDS", 0)
    with pytest.raises(InputError, match="not claimed by the first process"):
        folder.await_claim({**CONFIG, "model": {"lr": 3}})


def test_how_much_is_shown_does_not_make_another_run(tmp_path: Path) -> None:
    folder = _trained(tmp_path / "run")
    folder.claim({**CONFIG, "trainer": {"enable_progress_bar": False}, "wandb": "offline"})
    with pytest.raises(InputError, match=r"trainer\.devices was absent"):
        folder.claim({**CONFIG, "trainer": {"devices": 2}})


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
