"""The numbers of `summary.json`, their chance levels, and what makes them unusable."""

import json
import shutil

import pytest

from fashionvl.errors import InputError
from fashionvl.reporting.summary import summarise
from fashionvl.runs.reading import read_runs

REQUIRED = {
    "tir": {"r1", "r5", "r10", "sum_r", "n"},
    "itr": {"r1", "r5", "r10", "sum_r", "n"},
    "m_cr": {"accuracy", "macro_f", "sum_c"},
    "s_cr": {"accuracy", "macro_f", "sum_c"},
    "mig": {"psnr", "ssim", "psnr_masked", "psnr_masked_mean_fill"},
}


def summary_of(folder):
    return summarise(read_runs(folder))


def test_json_has_every_required_key_and_an_interval_for_each_score(experiment):
    found = summary_of(experiment).as_json()
    for protocol, keys in REQUIRED.items():
        assert keys <= set(found[protocol])
        assert keys - {"n"} <= set(found[protocol]["intervals"])
    assert found["seconds"] == {"pyramid": 10.0, "pretrain": 80.0, "recognition": 35.0, "total": 125.0}
    assert found["about"] == {"scale": "laptop", "seed": "7", "commit": "0123456789ab"}


def test_values_are_the_recorded_ones(experiment):
    found = summary_of(experiment).as_json()
    assert (found["tir"]["r1"], found["tir"]["r10"], found["tir"]["sum_r"]) == (5.0, 50.0, 80.0)
    assert (found["s_cr"]["accuracy"], found["s_cr"]["macro_f"]) == (75.0, 0.7389)
    assert (found["mig"]["psnr_masked"], found["mig"]["n"]) == (19.0, 3)


def test_chance_follows_from_the_number_of_candidates(experiment):
    tir = summary_of(experiment).protocols["tir"]
    assert tir.candidates == 21
    assert tir.scores["r1"].baseline == pytest.approx(100 / 21)
    assert tir.scores["r10"].baseline == pytest.approx(1000 / 21)
    assert tir.scores["sum_r"].baseline == pytest.approx(1600 / 21)
    assert tir.same_subcategory == 75.0


def test_few_candidates_make_chance_certain(experiment, edit_record):
    lists = {"tir": {"negatives_from": {"subcategory": 4 * 40}}}
    edit_record(experiment / "pretrain", candidates=lists)
    scores = summary_of(experiment).protocols["tir"].scores
    assert [scores[f"r{k}"].baseline for k in (1, 5, 10)] == [20.0, 100.0, 100.0]


def test_unknown_candidates_have_no_chance(experiment, edit_record):
    edit_record(experiment / "pretrain", candidates=None)
    tir = summary_of(experiment).protocols["tir"]
    assert tir.candidates is None
    assert tir.scores["r1"].baseline is None
    assert tir.scores["r1"].interval is not None


def test_generation_is_held_against_the_mean_fill(experiment):
    assert summary_of(experiment).protocols["mig"].scores["psnr_masked"].baseline == 12.0


def test_protocol_that_was_not_run_is_null(experiment):
    shutil.rmtree(experiment / "recognition")
    found = summary_of(experiment).as_json()
    assert found["m_cr"] is None
    assert found["tir"] is not None
    assert "recognition" not in found["seconds"]


def test_two_runs_of_one_protocol_are_refused(experiment):
    shutil.copytree(experiment / "pretrain", experiment / "again")
    with pytest.raises(InputError, match="pretrain and again were both tested on tir"):
        summary_of(experiment)


def test_lacking_metric_is_named(experiment, edit_record):
    edit_record(experiment / "recognition", test={"m_cr/accuracy": 90.0})
    with pytest.raises(InputError, match=r"recognition/metrics\.json: test has no number m_cr/macro_f"):
        summary_of(experiment)


def test_mean_over_nothing_is_null_in_strict_json(experiment, edit_record):
    run = experiment / "pretrain"
    test = json.loads((run / "metrics.json").read_text())["test"]
    edit_record(run, test=test | {"mig/psnr_masked": float("nan")})
    found = json.loads(json.dumps(summary_of(experiment).as_json(), allow_nan=False))
    assert found["mig"]["psnr_masked"] is None


def test_stages_that_disagree_are_both_told(experiment, edit_record):
    edit_record(experiment / "recognition", commit="fedcba")
    edit_record(experiment / "pyramid", commit=None)
    assert summary_of(experiment).common("commit") == "0123456789ab, fedcba"
