"""Accuracy and macro-F against scikit-learn."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from fashionvl.errors import InputError
from fashionvl.evaluation.recognition import RecognitionScores, macro_f

CLASSES = 7
pairs = st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=40)


@settings(max_examples=80, deadline=None)
@given(rows=pairs, cut=st.integers(0, 40))
def test_scores_equal_scikit_learns(rows, cut):
    predicted, target = torch.tensor(rows).T
    metric = RecognitionScores(CLASSES)
    metric.update(predicted[:cut], target[:cut])
    metric.update(predicted[cut:], target[cut:])
    scores = metric.compute()
    accuracy = 100 * accuracy_score(target, predicted)
    present = f1_score(target, predicted, average="macro")
    over_all = f1_score(target, predicted, average="macro", labels=range(CLASSES), zero_division=0)
    assert scores["accuracy"] == pytest.approx(accuracy, abs=1e-9)
    assert scores["macro_f"] == pytest.approx(present, abs=1e-12)
    assert scores["macro_f_all"] == pytest.approx(over_all, abs=1e-12)
    assert scores["sum_c"] == pytest.approx(accuracy + 100 * present, abs=1e-9)
    assert scores["n"] == len(rows)


def test_the_two_conventions_differ_by_the_absent_classes():
    present, over_all = macro_f(np.array([0, 1, 1]), np.array([0, 1, 1]), classes=4)
    assert (present, over_all) == (1.0, 0.5)


def test_repeated_ids_count_once_and_missing_ids_always():
    predicted, target = torch.tensor([0, 1, 1, 1]), torch.tensor([0, 1, 0, 0])
    metric = RecognitionScores(2)
    metric.update(predicted, target, ids=torch.tensor([4, 3, 8, 8]))
    assert metric.compute()["accuracy"] == pytest.approx(200 / 3)
    table = metric.per_query()
    assert table["id"].tolist() == [3, 4, 8]
    assert table["predicted"].tolist() == [1, 0, 1]
    assert table["target"].tolist() == [1, 0, 0]

    unidentified = RecognitionScores(2)
    unidentified.update(predicted, target)
    assert unidentified.compute()["n"] == 4
    assert unidentified.compute()["accuracy"] == 50


@pytest.mark.parametrize(
    ("predicted", "target", "words"),
    [
        ([3], [0], ["predicted", "3", "0 .. 2"]),
        ([0], [-1], ["target", "-1"]),
        ([0, 1], [0], ["[2]", "[1]"]),
        ([[0.1, 0.9]], [[0.1, 0.9]], ["[1, 2]"]),
    ],
)
def test_bad_classes_are_refused_in_one_line(predicted, target, words):
    with pytest.raises(InputError) as caught:
        RecognitionScores(3).update(torch.tensor(predicted), torch.tensor(target))
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_ids_have_to_fit():
    with pytest.raises(InputError, match="ids"):
        RecognitionScores(3).update(torch.tensor([0, 1]), torch.tensor([0, 1]), ids=torch.tensor([5]))
