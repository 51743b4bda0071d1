"""Plans, read by the real make."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fashionvl.errors import InputError
from fashionvl.studies import read_study, unchanged
from fashionvl.studies.plan import Setting, jobs_of, rules

FAKE = """\
import pathlib, sys
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
assert sys.argv[1] == ("predict" if options["--stage"] == "look" else "fit")
folder = pathlib.Path(options["--run_dir"])
folder.mkdir(parents=True, exist_ok=True)
with open("log", "a") as log:
    log.write(f"{folder}\\n")
sys.exit("low" in str(folder) and pathlib.Path("broken").exists())
"""


@pytest.fixture
def planned(house: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a study with its plan; `fit` is a program that notes its run folder."""
    monkeypatch.chdir(house)
    text = rules([read_study("ratio", Path("studies"))], Setting("laptop", (0, 1), Path("runs")))
    (house / "plan.mk").write_text(text)
    (house / "fake.py").write_text(FAKE)
    return house


def make(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "-f", "plan.mk", "FASHIONVL=python3 fake.py", "WANDB=off", *more, "stages-ratio"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def ran(folder: Path) -> list[str]:
    log = folder / "log"
    found = log.read_text().split() if log.exists() else []
    log.unlink(missing_ok=True)
    return found


def test_every_column_runs_with_every_seed_after_what_it_starts_from(planned: Path) -> None:
    assert make(planned).returncode == 0
    order = ran(planned)
    assert order[:2] == ["runs/tiny/shared", "runs/tiny/look"]
    assert sorted(order[2:]) == sorted(
        f"runs/{home}/seed{seed}/{stage}"
        for home in ("ratio/low", "tiny/Final", "ratio/high")
        for seed in (0, 1) for stage in ("learn", "apply")
    )  # fmt: skip
    for folder in (name for name in order if name.endswith("apply")):
        assert order.index(folder) > order.index(folder.replace("apply", "learn"))
    assert make(planned).returncode == 0
    assert ran(planned) == []


def test_a_changed_overlay_reruns_its_own_column(planned: Path) -> None:
    make(planned)
    ran(planned)
    (planned / "studies" / "ratio" / "low.yaml").write_text("model: {ratio: 0.2}\n")
    make(planned)
    assert sorted(ran(planned)) == [
        f"runs/ratio/low/seed{seed}/{stage}" for seed in (0, 1) for stage in ("apply", "learn")
    ]


def test_a_failed_column_does_not_stop_the_others(planned: Path) -> None:
    (planned / "broken").touch()
    assert make(planned, "-k").returncode != 0
    done = ran(planned)
    assert "runs/ratio/low/seed0/learn" in done
    assert "runs/ratio/low/seed0/apply" not in done
    assert {"runs/ratio/high/seed1/apply", "runs/tiny/Final/seed1/apply"} <= set(done)
    (planned / "broken").unlink()
    assert make(planned).returncode == 0
    assert len(ran(planned)) == 4


def test_a_column_that_changes_a_shared_stage_runs_it_once_for_itself(
    planned: Path, change: Callable[[Path, str, str], None]
) -> None:
    folder = planned / "studies" / "ratio"
    change(folder / "study.yaml", "stages: [learn]", "stages: [look, learn]")
    (folder / "low.look.yaml").write_text("model: {ratio: 0.3}\n")
    (folder / "high.yaml").rename(folder / "high.learn.yaml")
    setting = Setting("laptop", (0, 1), Path("runs"))
    study = read_study("ratio", Path("studies"))
    (planned / "plan.mk").write_text(rules([study], setting))
    assert make(planned).returncode == 0
    shared = [name for name in ran(planned) if "seed" not in name]
    assert sorted(shared) == ["runs/ratio/low/look", "runs/tiny/look", "runs/tiny/shared"]
    jobs = {str(job.folder): job for job in jobs_of(study, setting)}
    look = dict(jobs["runs/ratio/low/look"].options)
    assert (look["study"], look["column"], look["seed_everything"]) == ("ratio", "low", "0")
    assert look["model.found"] == "runs/tiny/shared"
    for column, there in (("ratio/low", "ratio/low"), ("ratio/high", "tiny"), ("tiny/Final", "tiny")):
        learn = dict(jobs[f"runs/{column}/seed1/learn"].options)
        assert learn["data.seen"] == f"runs/{there}/look/a/b"


def test_a_recipe_alone_is_what_the_studies_call_final(planned: Path) -> None:
    study = read_study("ratio", Path("studies"))
    setting = Setting("laptop", (0,), Path("runs"))
    text = rules([unchanged(study.recipe)], setting)
    assert ".PHONY: stages-tiny\n" in text
    of_the_study = {job.folder: job for job in jobs_of(study, setting)}
    alone = jobs_of(unchanged(study.recipe), setting)
    assert [job.folder.name for job in alone] == ["shared", "look", "learn", "apply"]
    assert all(job == of_the_study[job.folder] for job in alone)


def test_the_overlay_is_laid_after_scale_and_weights(planned: Path) -> None:
    study = read_study("ratio", Path("studies"))
    setting = Setting("laptop", (3,), Path("runs"), Path("there"))
    jobs = {str(job.folder): job for job in jobs_of(study, setting)}
    options = jobs["runs/ratio/low/seed3/learn"].options
    assert [(key, Path(value).name) for key, value in options[:5]] == [
        ("config", "learn.yaml"), ("config", "small.yaml"),
        ("model.pyramid", "model"), ("data.seen", "b"), ("config", "low.yaml"),
    ]  # fmt: skip
    assert jobs["runs/ratio/low/seed3/learn"].after == (Path("runs/tiny/shared"), Path("runs/tiny/look"))
    given = dict(options)
    assert given["data.seen"] == "runs/tiny/look/a/b"
    assert given["data.init_args.root"] == "there"
    assert given["seed_everything"] == "3"
    assert given["scale"] == "laptop"
    assert (given["study"], given["column"], given["stage"]) == ("ratio", "low", "learn")
    applied = dict(jobs["runs/ratio/low/seed3/apply"].options)
    assert applied["model.weights"] == "runs/ratio/low/seed3/learn"
    assert "low.yaml" not in str(jobs["runs/ratio/low/seed3/apply"].files)
    shared = dict(jobs["runs/tiny/shared"].options)
    assert (shared["seed_everything"], shared["study"]) == ("0", "tiny")


def test_a_scale_without_the_first_stage_starts_from_what_its_recipe_says(house: Path) -> None:
    jobs = jobs_of(read_study("ratio", house / "studies"), Setting("paper", (0,), Path("runs")))
    assert {job.folder.name for job in jobs} == {"look", "learn", "apply"}
    taken = {key for job in jobs for key, _ in job.options}
    assert "model.weights" in taken
    assert taken.isdisjoint({"model.pyramid", "model.found", "data.seen"})
    with pytest.raises(InputError, match="no scale 'gpu'"):
        jobs_of(read_study("ratio", house / "studies"), Setting("gpu", (0,), Path("runs")))
