"""One column of every study through the real command line, and a whole table through the real make."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fashionvl.cli import main
from fashionvl.runs.reading import read_run
from fashionvl.studies import find_studies, read_study
from fashionvl.studies.plan import Job, Setting, jobs_of

ROOT = Path(__file__).parents[1]
QUIET = ("--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false")


@pytest.fixture(scope="session")
def setting(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Setting:
    """Smoke scale on the session's catalogue; what columns share is run by the first that needs it."""
    return Setting("smoke", (0,), tmp_path_factory.mktemp("studies"), catalogue)


def _run(job: Job, jobs: dict[Path, Job], setting: Setting, *more: str) -> None:
    """Run a job, after those it takes something of that have not run yet."""
    for earlier in job.after:
        if not jobs[earlier].stamp.exists():
            _run(jobs[earlier], jobs, setting)
    words = [word for key, value in job.options for word in (f"--{key}", value)]
    assert setting.data
    index = ("--data.init_args.index_dir", str(setting.data.parent / "index"))
    main([job.command, *words, *index, *QUIET, *more])
    job.stamp.touch()


@pytest.mark.slow
@pytest.mark.parametrize("name", find_studies(ROOT / "ablations"))
def test_a_column_of_every_study_runs(name: str, setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    study = read_study(name)
    column = next(column for column in reversed(study.columns) if column.overlays)
    jobs = {job.folder: job for job in jobs_of(study, setting)}
    job = next(
        job
        for job in jobs.values()
        if dict(job.options)["column"] == column.id and dict(job.options)["stage"] == "pretrain"
    )
    _run(job, jobs, setting, "--trainer.max_epochs", "1")
    record = read_run(job.folder).record
    assert (record["study"], record["column"], record["stage"]) == (name, column.id, "pretrain")
    assert record["fit"]["train/loss"] > 0
    assert 0 <= record["test"]["tir/r10"] <= 100
    assert record["flops"] > 0


def _make(*words: str) -> subprocess.CompletedProcess[str]:
    console = Path(sys.executable).with_name("fashionvl")
    # The environment stands already, whoever made it.
    command = ["make", "READY=Makefile", f"FASHIONVL={console}", *words]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False,
        env={**os.environ, "MAKEFLAGS": ""},
    )  # fmt: skip


@pytest.mark.slow
def test_make_runs_what_is_missing_of_a_table_and_reports_it(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    jobs = {job.folder: job for job in jobs_of(read_study("pretrained"), setting)}
    last = jobs[setting.runs / "pretrained" / "E1" / "seed0" / "recognition"]
    for job in jobs.values():
        if job is not last and not job.stamp.exists():
            _run(job, jobs, setting, "--trainer.max_epochs", "1")
    assert setting.data
    words = (
        "table4", "SCALE=smoke", "SEEDS=0", f"RUNS={setting.runs}", f"DATA={setting.data}", "-j2",
        f"ARGS=--trainer.max_epochs 1 --data.init_args.index_dir {setting.data.parent / 'index'}",
    )  # fmt: skip
    first = _make(*words)
    assert first.returncode == 0, first.stderr[-3000:]
    assert first.stdout.count("fashionvl fit") == 1
    report = setting.runs / "reports" / "table4"
    assert {"report.html", "report.md", "report.json"} <= {file.name for file in report.iterdir()}
    assert read_run(last.folder).record["test"]["s_cr/n"] > 0
    again = _make(*words)
    assert again.returncode == 0
    assert "fashionvl fit" not in again.stdout


def _seeds(output: str) -> set[str]:
    return set(re.findall(r"/Final/(seed\d+)/pretrain", output))


def test_make_compares_the_unchanged_recipes(tmp_path: Path) -> None:
    words = ("-n", "compare", "SCALE=smoke", f"RUNS={tmp_path}", "COMPARED=there")
    done = _make(*words)
    assert done.returncode == 0, done.stderr[-3000:]
    assert _seeds(done.stdout) == {"seed0"}
    commands = re.findall(r"fashionvl (\w+) ", done.stdout)
    assert [commands.count(name) for name in ("plan", "fit", "predict", "compare")] == [1, 4 + 5, 2, 1]
    assert commands[-1] == "compare"
    compared = [f"{tmp_path}/{name}/Final/seed0" for name in ("mvlt", "kaleido_bert")]
    assert f"compare {' '.join(compared)} --names MVLT Kaleido-BERT --shared " in done.stdout
    assert f"{tmp_path}/mvlt {tmp_path}/kaleido_bert --out there" in done.stdout


def test_make_runs_kaleido_bert_alone(tmp_path: Path) -> None:
    done = _make("-n", "kaleido", "SCALE=smoke", "SEEDS=2 3", f"RUNS={tmp_path}")
    assert done.returncode == 0, done.stderr[-3000:]
    assert _seeds(done.stdout) == {"seed2", "seed3"}
    assert re.findall(r"fashionvl (\w+) ", done.stdout).count("predict") == 2
    assert "mvlt" not in done.stdout


def test_make_takes_the_scale_of_photographs_for_a_catalogue_of_one_s_own(tmp_path: Path) -> None:
    # Nothing is resolved: `true` stands in for the command.
    for words, scale, pyramid in (
        (("SCALE=smoke", f"DATA={tmp_path}"), "smoke", "distillation"),
        ((f"DATA={tmp_path}",), "photographs", "distillation"),
        ((), "laptop", "pyramid"),
    ):
        done = _make("-n", "demo", "table4", *words, f"RUNS={tmp_path}/runs", "FASHIONVL=true")
        assert f"--scale {scale} " in done.stdout
        assert f"--config experiments/mvlt/{pyramid}-laptop.yaml" in done.stdout


def test_make_names_the_studies_there_are() -> None:
    done = _make("ablation-mask-rotio", "RUNS=/nowhere")
    assert done.returncode != 0
    assert "no study 'mask_rotio' in ablations/; there are agm, akpm, decoder, grid, " in done.stderr
