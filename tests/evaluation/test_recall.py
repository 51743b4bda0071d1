"""R@k and SumR from hits."""

import numpy as np
import pytest

from fashionvl.evaluation.recall import recall_rates


def test_four_queries_by_hand():
    # Hits of queries at 1, 5 and 10: (1, 1, 1), (0, 1, 1), (0, 0, 1), (0, 0, 0).
    found = recall_rates(np.array([1.0, 2.0, 3.0]), 4)
    assert found == {"r1": 25, "r5": 50, "r10": 75, "sum_r": 150}


def test_many_samples_at_once_and_other_depths():
    hits = np.array([[2.0, 4.0], [0.0, 1.0]])
    found = recall_rates(hits, np.array([4, 2]), (1, 3), sum_r_of=(3,))
    np.testing.assert_array_equal(found["r1"], [50, 0])
    np.testing.assert_array_equal(found["r3"], [100, 50])
    np.testing.assert_array_equal(found["sum_r"], found["r3"])


def test_the_record_has_the_same_numbers():
    torch = pytest.importorskip("torch")
    from fashionvl.evaluation.ranking import RetrievalRanks

    metric = RetrievalRanks()
    scores = torch.rand(30, 20, generator=torch.Generator().manual_seed(0))
    metric.update(torch.arange(30), scores, torch.zeros(30, dtype=torch.int64))
    arrays = metric.per_query()
    hits = np.array([arrays[f"hit@{k}"].sum() for k in (1, 5, 10)])
    found, rates = metric.compute(), recall_rates(hits, 30)
    assert {name: found[name] for name in rates} == pytest.approx(rates)
