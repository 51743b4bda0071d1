"""`fashionvl records` from the outside."""

import json
from pathlib import Path

import pytest

from fashionvl.cli import main


def test_records_are_packed_with_the_arrays_that_reports_read(
    finished_experiment: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["records", str(finished_experiment), str(tmp_path / "runs.json")])
    assert "runs.json: 3 runs, 0.0" in capsys.readouterr().out
    content = json.loads((tmp_path / "runs.json").read_text())
    assert list(content["runs"]) == ["pretrain", "pyramid", "recognition"]
    assert content["runs"]["pretrain"]["test"]["tir/r1"] == 5.0


def test_a_folder_without_runs_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["records", str(tmp_path), str(tmp_path / "runs.json")])
    assert "holds no run with a metrics.json" in capsys.readouterr().err
