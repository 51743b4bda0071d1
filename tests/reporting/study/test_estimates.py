"""Estimates and differences from arrays with known answers, and against slow computations."""

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score
from synthetic_study import write_recognition

from fashionvl.errors import InputError
from fashionvl.evaluation.significance import resampled_weights
from fashionvl.reporting import metrics
from fashionvl.reporting.intervals import intervals
from fashionvl.reporting.metrics import Metric
from fashionvl.reporting.samples import read_sample as read_protocol
from fashionvl.reporting.study.estimates import (
    SeedScores,
    added,
    common_seeds,
    difference,
    estimate,
    recorded_scores,
    score_columns,
)
from fashionvl.runs.reading import Run, read_run

SHARE = Metric("share", "share", "%", highest=100)


def read_sample(name, runs):
    protocol = metrics.protocol(name)
    return read_protocol(protocol, protocol.shown("study"), runs)


def intervals_of(run, name):
    return intervals(run, metrics.protocol(name))


def scores_of(rows: dict[int, np.ndarray], seed: int = 0) -> SeedScores:
    """Means of per-query values by training seed."""
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(next(iter(rows.values()))), (500, len(next(iter(rows.values())))))
    return SeedScores(
        {key: float(values.mean()) for key, values in rows.items()},
        {key: values[picks].mean(1) for key, values in rows.items()},
    )


def write_hits(path, hits, ids=None):
    path.mkdir(parents=True, exist_ok=True)
    ids = np.arange(len(hits)) if ids is None else ids
    np.savez(path / "tir.npz", query_id=ids, **{f"hit@{k}": hits for k in (1, 5, 10)})
    return read_run(path)


def write_labels(path, predicted, target, **more):
    path.mkdir(parents=True, exist_ok=True)
    np.savez(path / "m_cr.npz", id=np.arange(len(target)), predicted=predicted, target=target, **more)
    return read_run(path)


def test_value_and_deviation_are_over_seeds():
    found = estimate(SeedScores({0: 1.0, 1: 2.0, 2: 6.0}, {}), SHARE)
    assert (found.value, found.sd) == (3.0, pytest.approx(math.sqrt(7)))
    assert found.by_seed == {0: 1.0, 1: 2.0, 2: 6.0}
    assert found.interval is None


def test_one_seed_has_no_deviation_and_none_no_estimate():
    assert estimate(SeedScores({4: 1.0}, {}), SHARE).sd is None
    assert estimate(SeedScores({}, {}), SHARE) is None


def test_interval_stays_within_what_the_metric_can_be():
    rows = {0: np.full(50, 99.0), 1: np.full(50, 89.0), 2: np.full(50, 100.0)}
    low, high = estimate(scores_of(rows), SHARE).interval
    assert low < 96 < high == 100
    assert estimate(scores_of(rows), Metric("mean", "mean", lowest=-math.inf)).interval[1] > 100


def test_equal_columns_differ_by_nothing():
    rng = np.random.default_rng(0)
    rows = {seed: rng.random(80) for seed in range(3)}
    assert difference(scores_of(rows), scores_of(rows)) == (0, (0, 0), 1, 0)


def test_only_shared_seeds_are_paired():
    rng = np.random.default_rng(0)
    first, second = ({seed: rng.random(80) for seed in seeds} for seeds in ((0, 1, 5), (1, 2, 5)))
    column, reference = scores_of(first), scores_of(second)
    assert common_seeds(column, reference) == [1, 5]
    expected = np.mean([first[seed].mean() - second[seed].mean() for seed in (1, 5)])
    assert difference(column, reference).value == pytest.approx(expected)
    assert difference(column, scores_of({7: rng.random(80)})) is None


def test_two_metrics_are_added_seed_by_seed():
    first, second = (
        SeedScores({0: 1.0, 1: 2.0}, {0: np.ones(3), 1: np.ones(3)}),
        SeedScores({1: 5.0}, {1: np.full(3, 2.0)}),
    )
    found = added(first, second)
    assert found.values == {1: 7.0}
    np.testing.assert_array_equal(found.draws[1], np.full(3, 3.0))


def test_records_serve_where_no_arrays_were_kept(tmp_path):
    runs = {0: Run(tmp_path, {"test": {"tir/r1": 12.5}}), 1: Run(tmp_path, {"test": {"tir/r1": math.nan}})}
    assert recorded_scores(runs, "tir", "r1").values == {0: 12.5}
    assert read_sample("tir", {("A1", 0): runs[0]}) is None


def test_queries_are_lined_up_by_id(tmp_path):
    hits, ids = np.array([1.0, 0, 0, 1, 1]), np.array([3, 4, 0, 1, 2])
    shuffled = write_hits(tmp_path / "a", hits, ids)
    in_order = write_hits(tmp_path / "b", hits[np.argsort(ids)])
    sample = read_sample("tir", {("A1", 0): shuffled, ("Final", 0): in_order})
    assert (sample.n, sample.clusters) == (5, None)
    scores = score_columns(sample, 0)
    for metric, of_column in scores["A1"].items():
        np.testing.assert_array_equal(of_column.draws[0], scores["Final"][metric].draws[0])
    assert scores["A1"]["r1"].values[0] == 60
    assert scores["A1"]["sum_r"].values[0] == 180
    assert difference(scores["A1"]["r1"], scores["Final"]["r1"]).interval == (0, 0)


def test_other_queries_are_refused(tmp_path):
    first = write_hits(tmp_path / "a", np.ones(5))
    second = write_hits(tmp_path / "b", np.ones(5), np.arange(1, 6))
    with pytest.raises(InputError, match="query_id differs") as caught:
        read_sample("tir", {("A1", 0): first, ("Final", 0): second})
    for run in (first, second):
        assert str(run.path / "tir.npz") in str(caught.value)
    with pytest.raises(InputError, match="query_id differs"):
        read_sample("tir", {("A1", 0): first, ("Final", 0): write_hits(tmp_path / "c", np.ones(4))})


def test_other_labels_and_crooked_arrays_are_refused(tmp_path):
    first = write_labels(tmp_path / "a", np.zeros(4, int), np.zeros(4, int))
    second = write_labels(tmp_path / "b", np.zeros(4, int), np.ones(4, int))
    with pytest.raises(InputError, match="target differs"):
        read_sample("m_cr", {("A1", 0): first, ("Final", 0): second})
    crooked = write_labels(tmp_path / "c", np.zeros(3, int), np.zeros(4, int))
    with pytest.raises(InputError, match=r"m_cr\.npz: predicted has shape \[3\]"):
        read_sample("m_cr", {("A1", 0): crooked})


@pytest.fixture
def labels():
    rng = np.random.default_rng(4)
    target = rng.choice([2, 5, 7, 40], 120, p=[0.5, 0.3, 0.15, 0.05])
    predicted = np.where(rng.random(120) < 0.6, target, rng.choice([2, 5, 7, 11], 120))
    return predicted, target


def test_macro_f_of_resamples_is_the_slow_one(tmp_path, labels):
    predicted, target = labels
    sample = read_sample("m_cr", {("A1", 0): write_labels(tmp_path, predicted, target)})
    assert sample.clusters is None
    found = score_columns(sample, 0)["A1"]

    def slow(rows):
        return f1_score(target[rows], predicted[rows], average="macro", zero_division=0)

    assert found["macro_f"].values[0] == pytest.approx(slow(slice(None)))
    # The same seed draws the same rows.
    expected = [slow(rows) for rows in np.random.default_rng(0).integers(0, 120, (60, 120))]
    (scored,) = sample.scored["A1", 0]
    draws = scored.score(np.concatenate(list(resampled_weights(scored.units, 60))))["macro_f"]
    assert draws == pytest.approx(np.array(expected))
    accuracy = found["accuracy"]
    np.testing.assert_allclose(found["sum_c"].draws[0], accuracy.draws[0] + 100 * found["macro_f"].draws[0])


def test_products_are_resampled_whole(tmp_path):
    """Three equal photographs a product: the interval of 30 products, not of 90 photographs."""
    write_recognition(tmp_path / "whole", 0.5, 0)
    run = read_run(tmp_path / "whole")
    with np.load(run.path / "m_cr.npz") as stored:
        once = {name: stored[name][::3] for name in stored.files}
    alone = write_labels(tmp_path / "once", once["predicted"], once["target"])
    assert intervals_of(run, "m_cr") == intervals_of(alone, "m_cr")
    sample = read_sample("m_cr", {("A1", 0): run})
    assert (sample.n, sample.clusters) == (90, 30)
    found = estimate(score_columns(sample, 0)["A1"]["accuracy"], SHARE)
    assert found.interval == pytest.approx(intervals_of(run, "m_cr")["accuracy"])


def test_means_are_resampled_by_product_too(tmp_path):
    product_id = np.repeat(np.arange(20), 3)
    values = np.random.default_rng(0).normal(20, 2, 20)
    np.savez(tmp_path / "captioning.npz", cider=values[product_id], product_id=product_id)
    (tmp_path / "once").mkdir()
    np.savez(tmp_path / "once" / "captioning.npz", cider=values)
    together = intervals_of(read_run(tmp_path), "captioning")
    assert together == {
        "cider": pytest.approx(intervals_of(read_run(tmp_path / "once"), "captioning")["cider"])
    }


def test_one_run_without_product_ids_makes_all_photographs_units(tmp_path):
    write_recognition(tmp_path / "new", 0.5, 0)
    with np.load(tmp_path / "new" / "m_cr.npz") as stored:
        old = write_labels(tmp_path / "old", stored["predicted"], stored["target"])
    sample = read_sample("m_cr", {("A1", 0): read_run(tmp_path / "new"), ("Final", 0): old})
    assert sample.clusters is None
    assert {one.units for scored in sample.scored.values() for one in scored} == {90}


def test_hidden_pixels_tell_whether_runs_had_the_same_task(tmp_path):
    runs = {}
    for column, fill in (("A1", 10.0), ("A2", 12.0), ("Final", 12.0)):
        (tmp_path / column).mkdir()
        arrays = {"psnr_masked": np.array([20.0, np.nan, 22.0]), "psnr_masked_mean_fill": np.full(3, fill)}
        np.savez(tmp_path / column / "mig.npz", id=np.arange(3), **arrays)
        runs[column, 0] = read_run(tmp_path / column)
    sample = read_sample("mig", runs)
    assert sample.same_task(("A2", 0), ("Final", 0))
    assert not sample.same_task(("A1", 0), ("Final", 0))
    assert score_columns(sample, 0)["A1"]["psnr_masked"].values[0] == 21.0
