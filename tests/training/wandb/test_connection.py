"""Opening a W&B run: who it is, under which id, and without a question."""

import json
from pathlib import Path

import pytest
from fake_wandb import IDENTITY, FakeWandb

from fashionvl.training.wandb.connection import open_run

CONFIG = {"data": {"seed": 0}, "name": "mask_ratio/A1/pretrain"}


def test_a_run_says_what_it_is(wandb: FakeWandb, folder: Path) -> None:
    given = open_run(folder, "online", IDENTITY, CONFIG).given
    assert given["project"] == "fashionvl"
    assert given["group"] == "mask_ratio"
    assert given["job_type"] == "pretrain"
    assert given["tags"] == ["A1", "smoke"]
    assert given["name"] == "mask_ratio/A1/pretrain seed3"
    assert given["dir"] == str(folder)
    assert given["config"]["data"] == {"seed": 0}
    assert given["config"]["seed"] == 3
    assert "commit" in given["config"]
    assert 0 < given["settings"]["init_timeout"] <= 30
    assert 0 < given["settings"]["finish_timeout"] <= 120


def test_outside_a_study_the_group_is_the_names_first_part(wandb: FakeWandb, folder: Path) -> None:
    identity = {**IDENTITY, "study": "", "column": "", "stage": "", "name": "mvlt/pretrain"}
    given = open_run(folder, "online", identity, CONFIG).given
    assert (given["group"], given["job_type"], given["tags"]) == ("mvlt", None, ["smoke"])


def test_a_continued_run_is_the_same_run(wandb: FakeWandb, folder: Path) -> None:
    first = open_run(folder, "online", IDENTITY, CONFIG)
    again = open_run(folder, "online", IDENTITY, CONFIG)
    assert again.id == first.id
    assert again.given["resume"] == "allow"
    assert json.loads((folder / "wandb.json").read_text())["id"] == first.id


def test_another_folder_is_another_run(wandb: FakeWandb, folder: Path, tmp_path: Path) -> None:
    ids = {open_run(place, "online", IDENTITY, CONFIG).id for place in (folder, tmp_path)}
    assert len(ids) == 2


def test_a_damaged_note_of_the_id_starts_a_new_run(wandb: FakeWandb, folder: Path) -> None:
    (folder / "wandb.json").write_text('{"id":')
    assert len(open_run(folder, "online", IDENTITY, CONFIG).id) == 8


def test_a_sweeps_agent_names_the_run(
    wandb: FakeWandb, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_SWEEP_ID", "s1")
    monkeypatch.setenv("WANDB_RUN_ID", "r1")
    run = open_run(folder, "online", IDENTITY, CONFIG)
    assert run.id == "r1"
    assert run.given["name"] is None


def test_the_environment_chooses_project_and_mode(
    wandb: FakeWandb, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    monkeypatch.setenv("WANDB_MODE", "offline")
    given = open_run(folder, "online", IDENTITY, CONFIG).given
    assert (given["project"], given["mode"]) == ("mine", "offline")


def test_without_an_api_key_nobody_is_asked_and_the_run_is_offline(
    wandb: FakeWandb, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wandb.logged_in = False
    assert open_run(folder, "online", IDENTITY, CONFIG).given["mode"] == "offline"
    assert [call["prompt"] for call in wandb.logins] == [False]
    assert "no API key" in capfd.readouterr().err


def test_offline_needs_no_login(wandb: FakeWandb, folder: Path) -> None:
    assert open_run(folder, "offline", IDENTITY, CONFIG).given["mode"] == "offline"
    assert wandb.logins == []
