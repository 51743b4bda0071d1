"""Two models on the same queries: paired, or refused in words."""

import json

import numpy as np
import pytest
from kaleido_runs import NAMES, edit_record

from fashionvl.evaluation.significance import percentiles, resampled_weights
from fashionvl.reporting.compare.lines import lines
from fashionvl.reporting.compare.models import read_models
from fashionvl.reporting.compare.pairing import pair
from fashionvl.reporting.compare.text import named, notes
from fashionvl.reporting.recomputed import RESAMPLES


def read(folders):
    return read_models(list(folders[:2]), NAMES, [])


def lose(run, protocol, count):
    """The first queries that were hit are missed."""
    with np.load(run / f"{protocol}.npz") as stored:
        arrays = {name: stored[name].copy() for name in stored.files}
    for name in arrays:
        if name.startswith("hit@"):
            arrays[name][:count] = 0
    np.savez(run / f"{protocol}.npz", **arrays)


def test_equal_answers_differ_by_nothing(models):
    pairing = pair(models)
    assert pairing.reference == "MVLT"
    assert pairing.refused == {}
    differences = pairing.differences["Kaleido-BERT"]
    assert {key.split("/")[0] for key in differences} == {"tir", "itr", "m_cr", "s_cr"}
    assert all((one.value, one.interval, one.real) == (0, (0, 0), False) for one in differences.values())


def test_a_difference_is_that_of_the_paired_bootstrap(folders):
    lose(folders[1] / "pretrain", "tir", 15)
    found = pair(read(folders)).differences["Kaleido-BERT"]["tir/r10"]
    with np.load(folders[0] / "pretrain" / "tir.npz") as stored:
        hits = 100 * stored["hit@10"]
    lost = np.where(np.arange(len(hits)) < 15, 0, hits)
    assert found.value == pytest.approx((lost - hits).mean()) == -37.5
    draws = [weights @ (lost - hits) / len(hits) for weights in resampled_weights(len(hits), RESAMPLES)]
    assert found.interval == pytest.approx(percentiles(np.concatenate(draws), 0.95))
    # No resample reaches 0.
    assert found.p_value == pytest.approx(2 / (RESAMPLES + 1))
    assert found.real


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"candidates": {"tir": {"fingerprint": "other"}}}, "candidates differ (MVLT f, Kaleido-BERT other)"),
        ({"scale": "gpu"}, "scale differs (MVLT laptop, Kaleido-BERT gpu)"),
    ],
)
def test_other_candidates_or_scale_are_not_paired(folders, sections, said):
    edit_record(folders[1] / "pretrain", **sections)
    pairing = pair(read(folders))
    assert pairing.refused["tir"] == said
    assert not any(key.startswith("tir/") for key in pairing.differences["Kaleido-BERT"])
    assert "m_cr/accuracy" in pairing.differences["Kaleido-BERT"]


def test_queries_that_meet_their_own_caption_are_noted(folders):
    assert "own caption" not in " ".join(notes(read(folders), pair(read(folders)), {}))
    for folder in folders[:2]:
        counted = {"queries": 50, "own_caption": {"queries": 10, "negatives": 11}}
        edit_record(folder / "pretrain", candidates={"tir": counted})
    models = read(folders)
    assert "20.0 % of the queries of TIR have a negative" in " ".join(notes(models, pair(models), {}))


def test_other_data_are_not_paired(folders):
    for folder, mark in zip(folders[:2], ("aaaa", "bbbb"), strict=True):
        edit_record(folder / "recognition", data={"fingerprint": mark})
    pairing = pair(read(folders))
    assert pairing.refused["m_cr"] == "data differ (MVLT aaaa, Kaleido-BERT bbbb)"
    assert "tir" not in pairing.refused


def test_other_queries_are_not_paired(folders):
    file = folders[1] / "pretrain" / "itr.npz"
    with np.load(file) as stored:
        arrays = dict(stored)
    np.savez(file, **{**arrays, "query_id": arrays["query_id"] + 1})
    assert "query_id differs" in pair(read(folders)).refused["itr"]


def test_without_arrays_there_is_nothing_to_pair(folders):
    for folder in folders[:2]:
        (folder / "pretrain" / "tir.npz").unlink()
    assert pair(read(folders)).refused["tir"].startswith("no arrays were kept")


def test_one_model_alone_has_no_differences(folders):
    pairing = pair(read_models([folders[0]], ["MVLT"], []))
    assert (pairing.differences, pairing.refused) == ({}, {})


def test_lower_ranks_are_better(folders):
    for folder, shift in ((folders[0], 0), (folders[1], 5)):
        run = folder / "pretrain"
        with np.load(run / "tir.npz") as stored:
            arrays = {name: stored[name] for name in stored.files}
        np.savez(run / "tir.npz", **{**arrays, "rank": arrays["rank"] + shift})
        middle = float(np.median(arrays["rank"])) + shift
        edit_record(run, test=recorded(run) | {"tir/median_rank": middle})
    models = read(folders)
    difference = pair(models).differences["Kaleido-BERT"]["tir/median_rank"]
    assert (difference.value, difference.real, difference.mark) == (5, True, "worse")
    line = next(line for line in lines(models, pair(models)) if line.name == "median")
    assert named(line) == "median rank ↓"
    assert line.beside == "11.0"


def recorded(run):
    return json.loads((run / "metrics.json").read_text())["test"]
