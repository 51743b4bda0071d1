"""Measuring of plans: turns, ratios, memory, results on disk, and the command line over all of it."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks import __main__ as command
from benchmarks import changes, record, works
from benchmarks.machine import copy_bandwidth, facts, matmul_peak
from benchmarks.measure import CONTROL, Plan, Ratio, Turn, Work, rounds, stages
from benchmarks.memory import peak_above_idle
from benchmarks.run import Bench
from benchmarks.setting import Setting

CPU = torch.device("cpu")


def _plan(name: str, log: list[str], items: int = 2, **targets: float) -> Plan:
    def run(mark) -> int:
        log.append(name)
        torch.ones(2**18).sum()
        mark("only")
        return items

    return Plan(name, "fp32", run, **targets)


def test_plans_take_turns_there_and_back_and_the_second_is_its_own_control() -> None:
    log: list[str] = []
    found = list(rounds(Work("w", [_plan("a", log), _plan("b", log)]), CPU, seconds=0.0))
    assert log == ["a", "b", "a", "b", "b", "b", "b", "a", "a", "b", "b"]
    assert [list(one) for one in found] == [["a", "b", CONTROL]] * 3
    assert all(turn.items == 2 and turn.seconds > 0 for one in found for turn in one.values())


def test_ratios_pair_the_turns_of_a_round() -> None:
    fast, slow = [Turn(1.0, 4), Turn(2.0, 4), Turn(1.0, 2)], [Turn(4.0, 4), Turn(4.0, 4), Turn(4.0, 4)]
    assert Ratio.of(fast, slow) == Ratio(2.0, 2.0, 4.0)


def test_stages_are_milliseconds() -> None:
    found = stages(_plan("a", []), CPU)
    assert list(found) == ["only"]
    assert found["only"] > 0


def test_peak_memory_is_what_was_held_at_once() -> None:
    def run() -> None:
        one = torch.ones(2**20)
        del one
        two = torch.ones(2**20)
        torch.cat([two, two])

    assert peak_above_idle(run, CPU) == pytest.approx(3 * 4 * 2**20, rel=0.01)


def test_the_machine_is_measured_and_named() -> None:
    assert matmul_peak(CPU, "fp32") > 1e8
    assert copy_bandwidth(CPU) > 1e7
    about = facts("python -m benchmarks", CPU)
    assert {"command", "date", "machine", "device", "commit", "versions"} <= about.keys()
    assert about["device"] == "cpu"


def _bench(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, size: str, **targets: float
) -> list[record.Result]:
    log: list[str] = []
    work = Work(
        "w",
        [_plan("released", log), _plan("ours", log, **targets)],
        flops=1e6,
        measures_memory=True,
        note="n",
    )
    monkeypatch.setattr("benchmarks.run.build", lambda name, setting: [work])
    monkeypatch.setattr("benchmarks.run.matmul_peak", lambda device, precision: 1e12)
    bench = Bench(Setting(CPU, size, tmp_path, seconds=0.0), "cpu")  # type: ignore[arg-type]
    with command.Progress() as progress:
        return list(bench.run(["any"], progress))[-1]


def test_results_say_what_was_aimed_at_and_reached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    released, ours, control = _bench(
        monkeypatch, tmp_path, "full", target=1e-6, least_items_per_s=1, least_mfu=1e-9, most_memory=1e9
    )
    assert (released.ratio_median, released.target, released.met) == (1.0, "", None)
    assert ours.target == ">= 1e-06x, >= 1/s, MFU >= 0%, memory <= 1e+09"
    assert ours.met is True
    assert ours.mfu == pytest.approx(ours.pairs_per_s * 1e6 / 1e12)
    assert ours.peak_mb == pytest.approx(1, rel=0.1)
    assert (control.plan, control.against, control.target) == (CONTROL, "ours", "")
    missed = _bench(monkeypatch, tmp_path, "full", target=1e6)[1]
    assert missed.met is False
    assert _bench(monkeypatch, tmp_path, "tiny", target=1e6)[1].met is None


def test_results_survive_the_disk_and_a_slower_one_is_named(tmp_path: Path) -> None:
    row = record.Result("w", "ours", "released", "cpu", "fp32", 2.0, 1.9, 2.1, 3)
    record.save(tmp_path / "cpu.json", {"date": "2026-01-01"}, results=[row])
    last = record.load(tmp_path / "cpu.json")
    assert last["results"] == [
        {
            "work": "w", "plan": "ours", "against": "released", "device": "cpu", "precision": "fp32",
            "ratio_median": 2.0, "ratio_min": 1.9, "ratio_max": 2.1, "rounds": 3, "item": "pair",
        }
    ]  # fmt: skip
    assert record.load(tmp_path / "none.json") == {}
    assert record.slower([row], last) == []
    worse = record.Result("w", "ours", "released", "cpu", "fp32", 1.5, 1.4, 1.6, 3)
    assert record.slower([worse], last) == [
        "slower than last recorded: w, ours: 1.50 times, was 2.00 on 2026-01-01"
    ]


def test_the_command_keeps_what_other_works_have_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.__main__.copy_bandwidth", lambda device: 1e9)
    monkeypatch.setattr("benchmarks.run.matmul_peak", lambda device, precision: 1e12)
    out = tmp_path / "cpu.json"
    before = {"plan": "ours", "device": "cpu", "ratio_median": 1.0}
    recorded = [{"work": "another", **before}, {"work": "MVLT retrieval", **before}]
    machine = facts("", CPU)["machine"]
    out.write_text(json.dumps({"machine": machine, "results": recorded}))
    words = ["mvlt_retrieval", "--size", "tiny", "--seconds", "0", "--out", str(out)]
    assert command.main(words) == 0
    rows = json.loads(out.read_text())["results"]
    assert [(row["work"], row.get("plan")) for row in rows] == [
        ("another", "ours"),
        *(("MVLT retrieval", plan) for plan in ("released", "ours", "best", CONTROL)),
    ]
    assert "MVLT retrieval" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["nothing"], ["--device", "cuda"]])
def test_what_cannot_be_measured_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    if words[-1] == "cuda" and torch.cuda.is_available():
        pytest.skip("a GPU is here")
    with pytest.raises(SystemExit):
        command.main(words)
    assert "nothing: no such work" in (err := capsys.readouterr().err) or "no GPU" in err


def test_every_work_is_a_module_with_plans(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no work"):
        works.build("nothing", Setting(CPU, "tiny", tmp_path))


@pytest.mark.parametrize("name", [name for name in changes.CHANGES if name != "compile"])
def test_every_change_can_be_switched(name: str, tmp_path: Path) -> None:
    setting = Setting(CPU, "tiny", tmp_path, seconds=0.0)
    off, on = changes.CHANGES[name](setting)
    assert (off.name, on.name) == ("off", "on")
    assert off.run(lambda stage: None) == on.run(lambda stage: None) > 0
