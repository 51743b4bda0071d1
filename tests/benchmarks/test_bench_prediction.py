"""The model of paper-scale runs: what it must obey, what it is fed, and what it is held against."""

import json
from dataclasses import fields, replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.kaleido_pairs import draw
from benchmarks.prediction import check, main, table
from benchmarks.scale.inputs import Inputs, read_inputs
from benchmarks.scale.model import (
    CROP_FLOPS,
    CROPS,
    KALEIDO_FLOPS,
    KALEIDO_PARAMETERS,
    MVLT_FLOPS,
    MVLT_PARAMETERS,
    RUNS,
    Assumptions,
    allreduce_seconds,
    arrangement,
    exposed_seconds,
    hours,
    ring_seconds,
    step,
)
from benchmarks.scale.step import draw_pairs
from fashionvl.models.kaleido_bert import KaleidoBERT
from fashionvl.models.kaleido_bert.backbone import PatchBackbone
from fashionvl.models.mvlt import MVLT
from fashionvl.patches.crops import Variants
from fashionvl.patches.grid import KaleidoGrid
from fashionvl.tasks import KaleidoPretraining, MVLTPretraining

PLAIN = Assumptions()
MVLT_RUN, COLUMNS, KALEIDO, FEATURES = RUNS
TRAINED = st.sampled_from([MVLT_RUN, KALEIDO])
GPUS = st.sampled_from([2, 4, 8, 16, 64, 512])
RATE = st.floats(0.1, 1e4)
SHARE = st.floats(0, 1)
PACE = st.floats(1.0, 1e5)


@given(TRAINED, GPUS, PACE, RATE, RATE, SHARE)
def test_more_bandwidth_never_takes_longer(run, gpus, pace, one, other, hidden):
    slow, fast = sorted((one, other))
    for name in ("nvlink_gb_per_s", "network_gb_per_s"):
        steps = [
            step(run, gpus, pace, replace(PLAIN, hidden=hidden, **{name: rate})).seconds
            for rate in (slow, fast)
        ]
        assert steps[1] <= steps[0] * (1 + 1e-12)


@given(st.sampled_from(RUNS), PACE, RATE, SHARE)
def test_one_gpu_has_nobody_to_talk_to(run, pace, rate, hidden):
    given = replace(PLAIN, network_gb_per_s=rate, nvlink_gb_per_s=rate, hidden=hidden)
    assert step(run, 1, pace, given).exposed == 0


@given(TRAINED, GPUS, PACE, RATE)
def test_what_is_hidden_costs_nothing_while_the_backward_pass_is_long_enough(run, gpus, pace, rate):
    given = replace(PLAIN, hidden=1.0, network_gb_per_s=rate)
    backward = given.backward * run.local_batch(gpus) / pace
    allreduce = allreduce_seconds(gpus, 4 * run.parameters, given)
    exposed = step(run, gpus, pace, given).exposed
    assert exposed == pytest.approx(max(0.0, allreduce - backward), rel=1e-9, abs=1e-15)
    assert step(run, gpus, pace, replace(given, hidden=0.0)).exposed == allreduce


@given(st.floats(0, 10), st.floats(0, 10), SHARE, SHARE)
def test_hiding_more_never_exposes_more(allreduce, backward, one, other):
    less, more = sorted((one, other))
    assert 0 <= exposed_seconds(allreduce, backward, more) <= exposed_seconds(allreduce, backward, less)


@given(st.sampled_from(RUNS), GPUS, PACE)
def test_a_loader_that_is_slower_than_the_gpu_decides(run, gpus, pace):
    batch = run.local_batch(gpus)
    computing = max(batch / pace, PLAIN.least_ms / 1000)
    given = replace(PLAIN, loader_pairs_per_s=batch / computing / 1000, workers=1, network_gb_per_s=1e9)
    found = step(run, gpus, pace, given)
    assert found.limit == "loading"
    assert found.seconds == pytest.approx(1000 * computing + found.exposed)


@given(st.sampled_from(RUNS), st.sampled_from([1, 2, 4, 8, 16, 64]), PACE)
def test_gpus_never_do_more_than_their_share(run, gpus, pace):
    alone = run.columns * hours(run, 1, pace, PLAIN)
    together, total = arrangement(run, gpus, pace, PLAIN)
    assert gpus % together == 0
    assert total * gpus >= alone * (1 - 1e-9)
    if run.columns > 1:
        assert total <= alone * (1 + 1e-9)


def test_a_ring_by_hand():
    assert ring_seconds(4, payload=2e9, bandwidth=1e9) == pytest.approx(3.0)
    given = replace(PLAIN, nvlink_gb_per_s=10.0, network_gb_per_s=1.0, gpus_a_node=8)
    assert allreduce_seconds(16, 8e9, given) == pytest.approx(2 * 7 / 8 * 0.8 + 2 * 1 / 2 * 8)


def test_a_run_by_hand():
    given = replace(PLAIN, least_ms=0.0, loader_pairs_per_s=1e9, hidden=0.0)
    assert hours(MVLT_RUN, 1, 1000.0, given) == pytest.approx(150 * 260_480 / 1000 / 3600)
    assert hours(FEATURES, 64, 10.0, given) == pytest.approx(293_008 / 10 / 64 / 3600)
    assert arrangement(COLUMNS, 1, 1000.0, given) == (
        1,
        pytest.approx(20 * hours(MVLT_RUN, 1, 1000.0, given)),
    )


@pytest.mark.slow
def test_flops_and_weights_are_those_of_the_networks():
    network = MVLT()
    _agrees(MVLTPretraining(network), draw_pairs(network, 1, seed=0), MVLT_FLOPS, MVLT_PARAMETERS)
    kaleido = KaleidoBERT(itm="sigmoid")
    _agrees(KaleidoPretraining(kaleido), draw(1, kaleido), KALEIDO_FLOPS, KALEIDO_PARAMETERS)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        PatchBackbone("resnet50", weights=None)(torch.rand(1, 3, 224, 224))
    assert counter.get_total_flops() == pytest.approx(CROP_FLOPS, rel=2e-3)
    assert Variants(KaleidoGrid((1, 2, 3, 4, 5))).count == CROPS


def _agrees(task, batch, flops, parameters):
    with FlopCounterMode(display=False) as counter:
        losses, _ = task.train().losses(batch, 0)
        task.total(losses).backward()
    assert counter.get_total_flops() == pytest.approx(flops, rel=2e-3)
    assert sum(weight.numel() for weight in task.parameters() if weight.requires_grad) == parameters


def test_every_assumption_says_what_it_is():
    explained = Assumptions.explained()
    assert list(explained) == [entry.name for entry in fields(Assumptions)]
    assert explained["nvlink_gb_per_s"].endswith("two thirds of the data sheet's 450.")


@pytest.mark.parametrize(
    ("name", "value"), [("hidden", 1.5), ("mfu_mvlt", 0.0), ("price", -1.0), ("workers", 0)]
)
def test_an_assumption_outside_its_range_is_refused(name, value):
    with pytest.raises(ValueError, match=f"^{name}: {value} "):
        Assumptions(**{name: value})


def _row(work, plan, pace, **more):
    return {"work": work, "plan": plan, "against": "released", "pairs_per_s": pace, **more}


@pytest.fixture
def results(tmp_path):
    """What a GPU is said to have measured."""
    rows = [
        _row("MVLT training step, fp32", "released", 9000.0),
        _row("MVLT training step, fp32", "ours", 2000.0),
        _row("MVLT training step", "best", 4321.0),
        _row("feature cache building", "ours", 5000.0, flops_per_s=2 * FEATURES.flops),
        _row("loader alone", "ours", 1234.0),
    ]
    pair = {"mode": "weak", "processes": 2, "step_seconds": 0.1, "allreduce_share": 0.1}
    points = [{**pair, "allreduce_seconds": 0.05, "allreduce_gb_per_s": 123.0}]
    (tmp_path / "cuda.json").write_text(json.dumps({"results": rows}))
    (tmp_path / "scaling-cuda.json").write_text(json.dumps({"points": points}))
    return tmp_path


def test_what_was_measured_takes_the_place_of_what_is_assumed(results):
    inputs = read_inputs(results)
    assert inputs.pace(MVLT_RUN) == 4321.0
    assert inputs.pace(FEATURES) == pytest.approx(2.0)
    assert inputs.assumptions.loader_pairs_per_s == 1234.0
    assert inputs.assumptions.nvlink_gb_per_s == 123.0
    assert inputs.assumptions.hidden == pytest.approx(0.8)
    assert inputs.source(MVLT_RUN.work) == "measured, cuda.json"
    assert inputs.source(KALEIDO.work) == inputs.source("price") == "assumed"
    found = {(row.run, row.gpus): row for row in table(inputs)}
    assert found[MVLT_RUN.name, 1].source == "measured, cuda.json"
    assert found[KALEIDO.name, 1].source == "assumed"


def test_what_the_user_gives_comes_first(results):
    inputs = read_inputs(results, {"hidden": 0.1, "mfu_mvlt": 0.5})
    assert inputs.assumptions.hidden == 0.1
    assert inputs.source("hidden") == inputs.source(MVLT_RUN.work) == "given"
    assert inputs.pace(MVLT_RUN) == pytest.approx(989e12 * 0.5 / MVLT_FLOPS)
    assert inputs.pace(FEATURES) == pytest.approx(2.0)


def test_the_table_has_each_run_on_each_number_of_gpus(tmp_path):
    rows = table(read_inputs(tmp_path, {"price": 2.0}))
    assert [(row.run, row.gpus) for row in rows] == [(run.name, n) for run in RUNS for n in (1, 8, 64)]
    for row in rows:
        assert row.gpu_hours == pytest.approx(row.hours * row.gpus)
        assert row.cost == pytest.approx(2 * row.gpu_hours)
        assert row.limit in ("compute", "loading", "network")
        assert row.source == "assumed"
    slow = Inputs(replace(PLAIN, network_gb_per_s=0.1), {}, {})
    assert {row.limit for row in table(slow, [64]) if row.run == KALEIDO.name} == {"network"}


def _point(mode, processes, batch, seconds, allreduce=None):
    return {"mode": mode, "processes": processes, "batch": batch, "step_seconds": seconds,
            "allreduce_seconds": allreduce, "allreduce_share": 0.25}  # fmt: skip


def test_check_recovers_a_machine_that_obeys_the_model():
    # A step of 0.1 s + 0.2 s a pair; 1 s for the payload to cross a link once.
    points = [_point("weak", 1, 2, 0.5), _point("strong", 1, 8, 1.7)]
    for count in (2, 4):
        ring = 2 * (count - 1) / count
        points.append(_point("weak", count, 2, 0.5 + ring, ring))
        points.append(_point("strong", count, 8 // count, 0.1 + 0.2 * 8 / count + ring, ring))
    found = check(points)
    assert [(one.mode, one.processes) for one in found] == [
        ("weak", 2),
        ("strong", 2),
        ("weak", 4),
        ("strong", 4),
    ]
    assert [one.error for one in found] == pytest.approx([0.0] * 4)


def test_check_says_how_far_the_model_is_off():
    points = [_point("weak", 1, 2, 0.5), _point("weak", 2, 2, 1.0, 0.3)]
    (found,) = check(points)
    assert (found.predicted, found.measured) == pytest.approx((0.8, 1.0))
    assert found.error == pytest.approx(-0.2)
    assert (found.exposed_predicted, found.exposed_measured) == pytest.approx((0.3, 0.25))
    assert check(points, hidden=1.0)[0].predicted == pytest.approx(0.5)
    assert check(points[:1]) == check(points[1:]) == []


def test_the_command_prints_predictions_assumptions_and_checks(results, capsys):
    points = [_point("weak", 1, 2, 0.5), _point("weak", 2, 2, 1.0, 0.3)]
    (results / "scaling-cpu.json").write_text(json.dumps({"points": points}))
    assert main(["--results", str(results), "--gpus", "2", "--price", "7"]) == 0
    shown = capsys.readouterr().out
    for words in (
        "MVLT pre-training",
        "measured, cuda.json",
        "price",
        "given",
        "against measured scaling, cpu",
        "-20%",
    ):
        assert words in shown
    with pytest.raises(SystemExit):
        main(["--hidden", "2"])
    assert "hidden: 2.0 is outside [0, 1]" in capsys.readouterr().err
