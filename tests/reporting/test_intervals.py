"""Intervals and trivial baselines against slow or known answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from fashionvl.reporting import metrics
from fashionvl.reporting.intervals import intervals
from fashionvl.reporting.recomputed import RECOGNITION
from fashionvl.runs.reading import read_run


def intervals_of(run, name):
    return intervals(run, metrics.protocol(name))


LABELS = st.integers(0, 5)


@given(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=40))
@settings(deadline=None, max_examples=60)
def test_macro_f_is_scikit_learns(pairs):
    predicted, target = np.array(pairs).T
    (scored,) = RECOGNITION.score(
        [{"predicted": predicted, "target": target}], np.zeros(len(target), np.int64)
    )
    assert scored.observed()["macro_f"] == pytest.approx(
        f1_score(target, predicted, average="macro", zero_division=0)
    )


def test_majority_always_answers_the_most_frequent_class(experiment):
    # Targets 0 0 0 0 1 1 2 2: F of class 0 is 2 * 0.5 / 1.5, of the two others 0.
    run = read_run(experiment / "recognition")
    levels = {one.key: one.chance(run, "s_cr") for one in metrics.protocol("s_cr").metrics if one.chance}
    assert levels == pytest.approx({"accuracy": 50.0, "macro_f": 2 / 9, "sum_c": 50 + 200 / 9})


def test_retrieval_intervals_hold_the_rate_in_percent(experiment):
    run = read_run(experiment / "pretrain")
    found = intervals_of(run, "tir")
    assert list(found) == ["r1", "r5", "r10", "sum_r"]
    for metric, (low, high) in found.items():
        assert low < run.test[f"tir/{metric}"] < high


def test_interval_has_the_width_of_a_binomial(tmp_path):
    hits = np.repeat([0.0, 1.0], 500)
    np.savez(tmp_path / "itr.npz", **{f"hit@{k}": hits for k in (1, 5, 10)})
    low, high = intervals_of(read_run(tmp_path), "itr")["r1"]
    assert high - low == pytest.approx(2 * 1.96 * 100 * np.sqrt(0.25 / 1000), rel=0.1)


def test_sum_r_knows_that_the_depths_share_their_queries(tmp_path):
    # Equal hits at every depth vary together: three times the interval of one, not the root of three.
    hits = np.repeat([0.0, 1.0], 100)
    np.savez(tmp_path / "tir.npz", **{f"hit@{k}": hits for k in (1, 5, 10)})
    found = intervals_of(read_run(tmp_path), "tir")
    assert found["sum_r"] == pytest.approx(tuple(3 * end for end in found["r1"]))


def test_recognition_intervals_hold_their_scores(experiment):
    found = intervals_of(read_run(experiment / "recognition"), "m_cr")
    assert found["accuracy"][0] < 75 < found["accuracy"][1]
    assert found["macro_f"][0] < 0.739 < found["macro_f"][1]
    assert found["sum_c"][0] < 148.9 < found["sum_c"][1]


def test_a_rare_class_that_is_never_recognised_does_not_lift_the_interval_above_the_score(tmp_path):
    # Twenty classes of one photograph each, none recognised: most resamples lack a third of them.
    target = np.concatenate([np.zeros(80, np.int64), np.arange(1, 21)])
    np.savez(tmp_path / "m_cr.npz", predicted=np.zeros(100, np.int64), target=target)
    low, high = intervals_of(read_run(tmp_path), "m_cr")["macro_f"]
    score = f1_score(target, np.zeros(100), average="macro", zero_division=0)
    assert low < score < high
    assert high - low < 0.01


def test_perfect_recognition_leaves_no_doubt(tmp_path):
    labels = np.arange(6) % 3
    np.savez(tmp_path / "m_cr.npz", predicted=labels, target=labels)
    found = intervals_of(read_run(tmp_path), "m_cr")
    assert found == {"accuracy": (100, 100), "macro_f": (1, 1), "sum_c": (200, 200)}


def test_images_without_a_value_are_left_out(tmp_path):
    arrays = {"psnr": np.array([20.0, np.nan, 20.0]), "ssim": np.full(3, np.nan)}
    masked = {f"{name}_masked": values for name, values in arrays.items()}
    np.savez(tmp_path / "mig.npz", **arrays, **masked, psnr_masked_mean_fill=np.full(3, 12.0))
    assert intervals_of(read_run(tmp_path), "mig") == {
        "psnr": (20.0, 20.0), "psnr_masked": (20.0, 20.0), "psnr_masked_mean_fill": (12.0, 12.0),
    }  # fmt: skip


def test_nothing_kept_gives_no_interval(tmp_path):
    run = read_run(tmp_path)
    for protocol in metrics.PROTOCOLS:
        assert intervals(run, protocol) == {}
        assert all(one.chance(run, protocol.name) is None for one in protocol.metrics if one.chance)
