"""Sweeps: which sizes, what a point holds, what is left out, and how an interrupted run goes on."""

import json
import time
from functools import partial

import pytest
import torch

from benchmarks import sweeps
from benchmarks.measure import Plan
from benchmarks.page.points import SweepPoint
from benchmarks.setting import Setting

MEGABYTE = 2**20


@pytest.fixture
def setting(tmp_path):
    return Setting(torch.device("cpu"), "tiny", tmp_path / "scratch", seconds=0.0)


class Counted:
    """Plans that hold `pairs` megabytes for a moment, and count their turns."""

    def __init__(self, pairs, names=("released", "ours", "best", "curious")):
        self.pairs, self.names, self.turns, self.built = pairs, names, [], 0

    def run(self, name, mark):
        held = torch.zeros(self.pairs * MEGABYTE, dtype=torch.uint8)
        time.sleep(0.001 * self.pairs)
        self.turns.append(name)
        mark("forward")
        return len(held) // MEGABYTE

    def plans(self):
        self.built += 1
        return [Plan(name, "fp32", partial(self.run, name)) for name in self.names]


def case_of(counted, axis="batch size", value=None, work=sweeps.STEP):
    return sweeps.Case(work, axis, value or counted.pairs, counted.pairs, counted.plans)


def point(value, ms, plan="released", axis="batch size", work=sweeps.STEP):
    return SweepPoint(work, plan, "fp32", axis, value, ms, ms, ms)


def test_full_sizes_are_those_of_the_device(tmp_path):
    def values(device, axis):
        setting = Setting(torch.device(device), "full", tmp_path)
        return [case.value for case in sweeps.cases(setting) if case.axis == axis]

    assert values("cpu", "batch size") == [1, 2, 4, 8, 16]
    assert values("cuda", "batch size") == [8, 16, 32, 64, 128, 256, 512]
    assert values("cpu", "image size") == [64, 128, 192, 256, 320]
    assert values("cpu", "candidates") == [11, 26, 51, 101]


def test_sizes_reach_the_works(monkeypatch, setting):
    asked = []
    monkeypatch.setattr(sweeps.mvlt_step, "plans", lambda _, **sizes: asked.append(sizes) or [])
    monkeypatch.setattr(sweeps.mvlt_retrieval, "plans", lambda _, **sizes: asked.append(sizes) or [])
    for case in sweeps.cases(setting):
        case.plans()
    assert asked == [
        {"batch": 1, "image_size": 64},
        {"batch": 2, "image_size": 64},
        {"batch": 1, "image_size": 64},
        {"batch": 1, "image_size": 96},
        {"queries": 1, "candidates": 3},
        {"queries": 1, "candidates": 5},
    ]


def test_a_point_holds_milliseconds_a_pair_and_peak_memory(setting):
    found = sweeps.measure(case_of(Counted(4)), setting, [])
    assert [one.plan for one in found] == ["released", "ours", "best"]
    for one in found:
        assert one.ms_min <= one.ms_per_pair <= one.ms_max
        assert one.ms_min >= 1.0
        assert one.peak_mb == pytest.approx(4, abs=0.1)
        assert (one.axis, one.value, one.precision) == ("batch size", 4, "fp32")


def test_plans_take_turns(setting):
    counted = Counted(1)
    sweeps.measure(case_of(counted), setting, [])
    # Warm-up, one round, one turn each for memory.
    assert counted.turns == 3 * ["released", "ours", "best"]


def test_rounds_go_on_until_the_time_is_over(tmp_path):
    counted = Counted(10, names=("ours", "best"))
    sweeps.measure(case_of(counted), Setting(torch.device("cpu"), "tiny", tmp_path, seconds=0.1), [])
    assert len(counted.turns) > 3 * 2
    assert counted.turns == len(counted.turns) // 2 * ["ours", "best"]


def test_released_plan_is_left_out_where_a_turn_would_take_too_long(setting):
    counted = Counted(8)
    found = sweeps.measure(case_of(counted), setting, [point(2, 900.0), point(4, 900.0)])
    assert [one.plan for one in found] == ["ours", "best"]
    assert "released" not in counted.turns


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ([], False),
        ([point(4, 850.0)], False),
        ([point(4, 900.0)], True),
        ([point(2, 900.0), point(4, 850.0)], False),
        ([point(4, 9000.0, plan="ours")], False),
        ([point(4, 9000.0, axis="candidates", work=sweeps.RETRIEVAL)], False),
        ([point(16, 9000.0)], False),
    ],
)
def test_too_long_is_told_from_the_nearest_lesser_size(before, expected):
    assert sweeps.too_long(case_of(Counted(8)), before) is expected


def test_cost_of_an_image_grows_with_its_area():
    case = sweeps.Case(sweeps.STEP, "image size", 128, 4, list)
    assert sweeps.too_long(case, [point(64, 450.0, axis="image size")])
    assert not sweeps.too_long(case, [point(64, 430.0, axis="image size")])


@pytest.fixture
def sizes(monkeypatch):
    """Two sizes of counted plans in place of the real ones."""
    made = [Counted(1), Counted(2)]
    monkeypatch.setattr(sweeps, "cases", lambda _: [case_of(one) for one in made])
    return made


def run(out, *more):
    return sweeps.main(["--size", "tiny", "--seconds", "0", "--out", str(out), *more])


def test_points_are_written_with_where_and_how(sizes, tmp_path):
    out = tmp_path / "sweeps-cpu.json"
    assert run(out) == 0
    content = json.loads(out.read_text())
    assert content["command"].startswith("python -m benchmarks.sweeps --size tiny")
    assert {"machine", "versions", "commit", "date"} <= set(content)
    assert [(one["plan"], one["value"]) for one in content["points"]] == [
        (plan, value) for value in (1, 2) for plan in ("released", "ours", "best")
    ]


def test_an_interrupted_run_goes_on(sizes, tmp_path, monkeypatch):
    out = tmp_path / "sweeps-cpu.json"
    monkeypatch.setattr(sizes[1], "run", lambda name, mark: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(out)
    first = json.loads(out.read_text())["points"]
    assert {one["value"] for one in first} == {1}
    monkeypatch.undo()
    monkeypatch.setattr(sweeps, "cases", lambda _: [case_of(one) for one in sizes])
    run(out)
    assert [one.built for one in sizes] == [1, 2]
    assert json.loads(out.read_text())["points"][:3] == first


def test_another_command_starts_anew(sizes, tmp_path):
    out = tmp_path / "sweeps-cpu.json"
    run(out)
    run(out)
    assert [one.built for one in sizes] == [1, 1]
    run(out, "--scratch", str(tmp_path))
    assert [one.built for one in sizes] == [2, 2]


def test_a_size_that_does_not_fit_is_passed_over(sizes, tmp_path, monkeypatch, capsys):
    def too_large(name, mark):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(sizes[0], "run", too_large)
    run(tmp_path / "sweeps-cpu.json")
    assert {one["value"] for one in json.loads((tmp_path / "sweeps-cpu.json").read_text())["points"]} == {2}
    assert "does not fit" in capsys.readouterr().err


def test_a_missing_gpu_is_one_line(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match="2"):
        sweeps.main(["--device", "cuda"])
    assert "--device cuda: torch sees no GPU here" in capsys.readouterr().err


def test_the_real_works_are_measured(tmp_path, monkeypatch):
    out = tmp_path / "sweeps-cpu.json"
    every = sweeps.cases
    monkeypatch.setattr(
        sweeps, "cases", lambda setting: [case for case in every(setting) if case.value in (3, 96)]
    )
    assert run(out, "--scratch", str(tmp_path)) == 0
    points = json.loads(out.read_text())["points"]
    assert [(one["work"], one["axis"], one["value"], one["plan"]) for one in points] == [
        *((sweeps.STEP, "image size", 96, plan) for plan in sweeps.PLANS),
        *((sweeps.RETRIEVAL, "candidates", 3, plan) for plan in sweeps.PLANS),
    ]
    assert all(one["ms_per_pair"] > 0 and one["peak_mb"] > 0 for one in points)


def test_pairs_of_a_case_are_those_of_a_turn(setting):
    for case in sweeps.cases(setting):
        if case.value in (2, 3):
            assert case.plans()[1].run(lambda stage: None) == case.pairs
