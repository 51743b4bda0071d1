"""Processes that share gradients, and what is measured of them."""

import json
import math
import socket
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from scaling_works import GRADIENTS, failing, measured_with_gradients

from benchmarks import scaling
from benchmarks.record import save
from benchmarks.scale.group import GroupError, Place, launched, run_group
from benchmarks.scale.step import Stepper
from benchmarks.scale.turns import Point, as_row, with_efficiency
from fashionvl.errors import InputError

CPU = torch.device("cpu")
KEYS = {
    "mode", "processes", "threads", "batch", "pairs_per_s", "step_seconds", "step_min", "step_max",
    "efficiency", "allreduce_share", "allreduce_gb_per_s",
}  # fmt: skip


def places(world):
    return [Place(rank, world, CPU, 1) for rank in range(world)]


def point(mode="weak", processes=1, batch=2, pace=10.0):
    return Point(mode, processes, 1, batch, pace, 0.2, 0.1, 0.3, 0.2, 3, 0.0, None, None)


@pytest.mark.parametrize(
    ("how", "said"),
    [("raises", "process 1 failed: ValueError: a reason"), ("is killed", "process 1 was ended by SIGKILL")],
)
def test_a_failing_process_ends_the_group_with_one_line(how, said):
    with pytest.raises(GroupError) as failure:
        run_group(failing, (how,), places(2), lambda doing, share: None)
    assert str(failure.value).startswith(said)
    assert "\n" not in str(failure.value)


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    """The file that two processes leave, and what their gradients were."""
    out = tmp_path_factory.mktemp("two")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(GRADIENTS, str(out / "gradients.json"))
        patch.setattr(scaling, "measure", measured_with_gradients)
        words = ["--size", "tiny", "--processes", "2", "--seconds", "0", "--out", str(out / "scaling.json")]
        assert scaling.main(words) == 0
    return [json.loads((out / name).read_text()) for name in ("scaling.json", "gradients.json")]


@pytest.mark.slow
def test_two_processes_give_every_number(two_processes):
    content, _ = two_processes
    assert [(row["mode"], row["processes"], row["batch"]) for row in content["points"]] == [
        ("weak", 2, 2),
        ("strong", 2, 2),
    ]
    for row in content["points"]:
        assert row.keys() >= KEYS
        assert row["efficiency"] is None
        assert all(math.isfinite(row[name]) for name in row.keys() - {"mode", "efficiency"})
        assert 0 < row["step_min"] <= row["step_seconds"] <= row["step_max"]
        assert row["pairs_per_s"] == pytest.approx(2 * row["batch"] / row["step_seconds"], rel=1e-3)
        crossed = 2 * (2 - 1) / 2 * content["gradient_bytes"]
        assert row["allreduce_gb_per_s"] == pytest.approx(crossed / row["allreduce_seconds"] / 1e9, rel=1e-2)
    assert content["parameters"] * 4 == content["gradient_bytes"] == sum(content["buckets"])
    assert (content["size"], content["backend"], content["started_by"]) == ("tiny", "gloo", "itself")


@pytest.mark.slow
def test_gradients_are_shared_in_a_synced_step_alone(two_processes):
    _, found = two_processes
    assert found["synced"]["apart"] == found["synced again"]["apart"] == 0
    assert found["synced"]["greatest"] > 0
    assert found["unsynced"]["apart"] > 1e-3 * found["unsynced"]["greatest"] > 0
    assert found["moved"] == 0


@pytest.fixture
def as_launched(monkeypatch):
    """The environment that torchrun gives a single process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1"}
    for name, value in {**given, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}.items():
        monkeypatch.setenv(name, value)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_a_launched_process_adds_its_world_size_to_the_file(tmp_path, as_launched):
    out = tmp_path / "scaling.json"
    words = ["--size", "tiny", "--seconds", "0", "--batch", "2", "--global-batch", "4", "--out", str(out)]
    about = {"size": "tiny", "precision": "fp32", "device": "cpu", "backend": "gloo"}
    save(out, about, points=[as_row(point(processes=2)), as_row(point(pace=1e-9))])
    assert scaling.main(words) == 0
    rows = json.loads(out.read_text())["points"]
    assert [(row["mode"], row["processes"]) for row in rows] == [("weak", 1), ("weak", 2), ("strong", 1)]
    assert rows[1]["efficiency"] == pytest.approx(10 / 2 / rows[0]["pairs_per_s"], rel=1e-3)
    assert not dist.is_initialized()

    save(out, {**about, "precision": "bf16"}, points=[as_row(point(processes=2))])
    assert scaling.main(words) == 0
    assert {row["processes"] for row in json.loads(out.read_text())["points"]} == {1}


def test_points_survive_their_file(tmp_path):
    written = with_efficiency([point(), point(processes=2, pace=15.0)])
    save(tmp_path / "points.json", {}, points=[as_row(one) for one in written])
    rows = json.loads((tmp_path / "points.json").read_text())["points"]
    assert [Point(**row) for row in rows] == written
    assert rows[0].keys() == {entry.name for entry in fields(Point)} >= KEYS


def test_efficiency_is_held_against_the_same_batch():
    points = [
        point(),
        point(processes=4, pace=30.0),
        point("strong", 1, batch=8, pace=20.0),
        point("strong", 4, batch=2, pace=30.0),
        point("strong", 2, batch=2, pace=30.0),
    ]
    judged = with_efficiency(points)
    assert [one.efficiency for one in judged] == [1.0, 0.75, 1.0, 0.375, None]
    assert [replace(one, efficiency=None) for one in judged] == points


def test_pairs_are_drawn_as_the_network_takes_them():
    stepper = Stepper(Place(1, 1, CPU, 1), "tiny", "fp32")
    network, batch = stepper.task.network, stepper.pairs(3)
    assert batch.pixel_values.shape == (3, 3, network.encoder.image_size, network.encoder.image_size)
    assert batch.input_ids.shape == (3, network.max_tokens)
    assert 0 <= batch.pixel_values.min() < batch.pixel_values.max() <= 1
    hidden = batch.image_mask.flatten(1).float().mean(1)
    assert torch.equal(hidden, torch.full((3,), 0.5))
    asked = batch.mlm_labels != -100
    assert asked.sum(1).unique().numel() == 1
    assert torch.equal(asked.flatten().nonzero()[:, 0], batch.masked_positions)
    other = Stepper(Place(2, 1, CPU, 1), "tiny", "fp32").pairs(3)
    assert not torch.equal(batch.pixel_values, other.pixel_values)


def test_a_launcher_is_recognised_by_what_it_sets():
    assert launched({}, "cpu", 8) is None
    found = launched(
        {"RANK": "9", "WORLD_SIZE": "16", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "8"}, "cuda", 64
    )
    assert (found.rank, found.world, found.device, found.threads) == (9, 16, torch.device("cuda", 1), 8)
    assert found.backend == "nccl"
    alone = launched({"RANK": "1", "WORLD_SIZE": "4"}, "cpu", 2)
    assert (alone.device, alone.threads, alone.backend) == (CPU, 1, "gloo")
    with pytest.raises(InputError, match=r"^WORLD_SIZE: not set"):
        launched({"RANK": "0"}, "cpu", 2)
    with pytest.raises(InputError, match=r"^RANK: 'first' is not a whole number"):
        launched({"RANK": "first", "WORLD_SIZE": "2"}, "cpu", 2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--processes", "0"], "--processes: 0 must be at least 1"),
        (
            ["--processes", "1", "3", "--global-batch", "4"],
            "--global-batch: 4 pairs cannot be shared equally by 3",
        ),
        (["--batch", "0"], "--batch: 0 must be at least 1"),
        (["--seconds", "-1"], "--seconds: -1 must not be negative"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(words, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        scaling.main(words)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


def test_a_launchers_processes_are_not_asked_for_twice(as_launched, capsys):
    with pytest.raises(SystemExit):
        scaling.main(["--processes", "1", "2"])
    assert "--processes: the launcher has started 1; leave it out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("event", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted; nothing is written"),
        (GroupError("process 1 failed: OSError: no"), 1, "process 1 failed: OSError: no; nothing is written"),
    ],
)
def test_an_early_end_leaves_one_line_and_no_file(event, status, said, tmp_path, monkeypatch, capsys):
    def stop(*_):
        raise event

    monkeypatch.setattr(scaling, "run_group", stop)
    out = Path(tmp_path / "scaling.json")
    assert scaling.main(["--size", "tiny", "--processes", "2", "--out", str(out)]) == status
    assert capsys.readouterr().err.splitlines()[-1] == said
    assert not out.exists()
