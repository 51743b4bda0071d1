"""One column of every study through the real command line, and a whole table through the real make."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fashionvl.cli import main
from fashionvl.reporting.runs import read_run
from fashionvl.studies import find_studies, read_study
from fashionvl.studies.plan import Job, Setting, jobs_of

ROOT = Path(__file__).parents[1]
QUIET = ("--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false")
STAGES = ("pretrain", "recognition")


@pytest.fixture(scope="session")
def setting(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Setting:
    """Smoke scale on the session's catalogue, with the stage that all columns share already run."""
    found = Setting("smoke", (0,), tmp_path_factory.mktemp("studies"), catalogue)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        shared = jobs_of(read_study("grid"), found)[0]
        assert shared.folder.name == "pyramid"
        _fit(shared, found)
    return found


def _fit(job: Job, setting: Setting, *more: str) -> None:
    words = [word for key, value in job.options for word in (f"--{key}", value)]
    assert setting.data
    main(["fit", *words, "--data.init_args.index_dir", str(setting.data.parent / "index"), *QUIET, *more])


@pytest.mark.slow
@pytest.mark.parametrize("name", find_studies(ROOT / "ablations"))
def test_a_column_of_every_study_runs(name: str, setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    study = read_study(name)
    column = next(column for column in reversed(study.columns) if column.overlay)
    job = next(
        job
        for job in jobs_of(study, setting)
        if dict(job.options)["column"] == column.id and dict(job.options)["stage"] == "pretrain"
    )
    _fit(job, setting, "--trainer.max_epochs", "1")
    record = read_run(job.folder).record
    assert (record["study"], record["column"], record["stage"]) == (name, column.id, "pretrain")
    assert record["fit"]["train/loss"] > 0
    assert 0 <= record["test"]["tir/r10"] <= 100
    assert record["flops"] > 0


def _make(*words: str) -> subprocess.CompletedProcess[str]:
    console = Path(sys.executable).with_name("fashionvl")
    # The environment stands already, whoever made it.
    command = ["make", *words, "READY=Makefile", f"FASHIONVL={console}"]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False,
        env={**os.environ, "MAKEFLAGS": ""},
    )  # fmt: skip


@pytest.mark.slow
def test_make_runs_a_table_once_and_reports_it(catalogue: Path, tmp_path: Path) -> None:
    words = (
        "table4", "SCALE=smoke", "SEEDS=0", f"RUNS={tmp_path}", f"DATA={catalogue}", "-j2",
        f"ARGS=--trainer.max_epochs 1 --data.init_args.index_dir {catalogue.parent / 'index'}",
    )  # fmt: skip
    first = _make(*words)
    assert first.returncode == 0, first.stderr[-3000:]
    assert first.stdout.count("fashionvl fit") == 5
    report = tmp_path / "reports" / "table4"
    assert {"report.html", "report.md", "report.json"} <= {file.name for file in report.iterdir()}
    record = read_run(tmp_path / "pretrained" / "E1" / "seed0" / "recognition").record
    assert record["test"]["s_cr/n"] > 0
    again = _make(*words)
    assert again.returncode == 0
    assert "fashionvl fit" not in again.stdout


def test_make_names_the_studies_there_are() -> None:
    done = _make("ablation-mask-rotio", "RUNS=/nowhere")
    assert done.returncode != 0
    assert "no study 'mask_rotio' in ablations/; there are decoder, grid, " in done.stderr
