"""Ranks and hits against an enumeration of every ordering of the ties."""

from itertools import pairwise, permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.errors import InputError
from fashionvl.evaluation.ranking import RetrievalRanks


def enumerated(scores: list[float], positive: int, ks: tuple[int, ...]) -> tuple[float, list[float]]:
    """Mean rank and hit rates over all descending orderings of the candidates."""
    descending = sorted(scores, reverse=True)
    ranks = [
        order.index(positive) + 1
        for order in permutations(range(len(scores)))
        if [scores[candidate] for candidate in order] == descending
    ]
    return float(np.mean(ranks)), [float(np.mean([rank <= k for rank in ranks])) for k in ks]


def measured(scores, positive, ks=(1, 5, 10)):
    """Ranks `[Q]` and hits `[Q, len(ks)]` of each query."""
    metric = RetrievalRanks(ks=ks, sum_r_of=ks)
    metric.update(torch.arange(len(scores)), scores, positive)
    found = metric.per_query()
    return found["rank"], np.stack([found[f"hit@{k}"] for k in ks], axis=1)


# Few distinct values, so that most draws tie.
queries = st.lists(st.sampled_from([-1.0, 0.0, 0.5, float("inf")]), min_size=1, max_size=6).flatmap(
    lambda scores: st.tuples(st.just(scores), st.integers(0, len(scores) - 1))
)


@settings(max_examples=150, deadline=None)
@given(query=queries)
def test_ranks_and_hits_equal_the_enumeration(query):
    scores, positive = query
    ks = (1, 2, 3, 10)
    rank, chances = enumerated(scores, positive, ks)
    ranks, hits = measured(torch.tensor([scores]), torch.tensor([positive]), ks)
    assert ranks[0] == pytest.approx(rank, abs=1e-12)
    np.testing.assert_allclose(hits[0], chances, atol=1e-12)


@pytest.mark.parametrize("positive", [0, 50, 100])
def test_a_constant_scorer_gets_chance_wherever_the_positive_is(positive):
    scores, where = torch.zeros(3, 101), torch.full((3,), positive)
    ranks, hits = measured(scores, where)
    assert ranks.tolist() == [51.0] * 3
    np.testing.assert_allclose(hits, [[1 / 101, 5 / 101, 10 / 101]] * 3)
    metric = RetrievalRanks()
    metric.update(torch.arange(3), scores, where)
    result = metric.compute()
    assert result["r1"] == pytest.approx(100 / 101)
    assert result["r10"] == pytest.approx(1000 / 101)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_without_ties_the_rank_is_the_place_in_the_sort(seed):
    rng = np.random.default_rng(seed)
    scores = np.stack([rng.permutation(30) for _ in range(8)]).astype(np.float32)
    positive = rng.integers(0, 30, size=8)
    place = (-scores).argsort(axis=1).argsort(axis=1)[np.arange(8), positive] + 1
    ranks, hits = measured(torch.from_numpy(scores), torch.from_numpy(positive))
    np.testing.assert_array_equal(ranks, place)
    np.testing.assert_array_equal(hits, place[:, None] <= np.array([1, 5, 10]))


def test_ranks_are_float64_of_half_precision_scores_too():
    ranks, _ = measured(torch.tensor([[1.0, 1.0, 0.0]], dtype=torch.bfloat16), torch.tensor([1]))
    assert ranks.dtype == np.float64
    assert ranks[0] == 1.5


@pytest.mark.parametrize(
    ("scores", "positive", "words"),
    [
        ([[0.0, 1.0], [0.0, float("nan")]], [0, 0], ["NaN", "query 1"]),
        ([[0.0, 1.0], [0.0, 1.0]], [0, 2], ["positive: 2", "query 1", "0 .. 1"]),
        ([[0.0, 1.0]], [-1], ["positive: -1", "query 0"]),
        ([[0.0, 1.0]], [0, 1], ["[1, 2]", "[2]"]),
    ],
)
def test_bad_scores_are_refused_in_one_line(scores, positive, words):
    with pytest.raises(InputError) as caught:
        measured(torch.tensor(scores), torch.tensor(positive))
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_the_metric_names_the_query_of_a_nan():
    with pytest.raises(InputError, match="NaN among the candidates of query 70"):
        RetrievalRanks().update(
            torch.tensor([7, 70]), torch.tensor([[0.0], [float("nan")]]), torch.tensor([0, 0])
        )


def test_rates_add_up_and_repeated_queries_count_once():
    # Ranks 1, 3, 7 and 12 among 12.
    scores = torch.arange(12, 0, -1).float().repeat(4, 1)
    query_ids, positive = torch.tensor([9, 2, 5, 1]), torch.tensor([0, 2, 6, 11])
    metric = RetrievalRanks()
    metric.update(query_ids[:3], scores[:3], positive[:3])
    metric.update(query_ids[2:], scores[2:], positive[2:])
    expected = {"r1": 25.0, "r5": 50.0, "r10": 75.0, "sum_r": 150.0, "n": 4}
    expected |= {"median_rank": 5.0, "mean_rank": 5.75}
    assert metric.compute() == expected

    table = metric.per_query()
    assert table["query_id"].tolist() == [1, 2, 5, 9]
    assert table["rank"].tolist() == [12, 3, 7, 1]
    assert table["hit@5"].tolist() == [0, 1, 0, 1]
    assert set(table) == {"query_id", "rank", "hit@1", "hit@5", "hit@10"}

    chinese = RetrievalRanks(sum_r_of=(5, 10))
    chinese.update(query_ids, scores, positive)
    assert chinese.compute()["sum_r"] == 125.0


def test_candidate_counts_may_differ_between_updates():
    metric = RetrievalRanks(ks=(2,), sum_r_of=(2,))
    metric.update(torch.tensor([0]), torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([0]))
    metric.update(torch.tensor([1]), torch.tensor([[1.0]]), torch.tensor([0]))
    assert metric.compute() == {"r2": 50.0, "sum_r": 50.0, "median_rank": 2.0, "mean_rank": 2.0, "n": 2}


def test_reset_forgets():
    metric = RetrievalRanks()
    metric.update(torch.tensor([0]), torch.tensor([[0.0, 1.0]]), torch.tensor([0]))
    metric.reset()
    metric.update(torch.tensor([0]), torch.tensor([[0.0, 1.0]]), torch.tensor([1]))
    assert metric.compute()["r1"] == 100


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_no_query_is_an_error():
    with pytest.raises(InputError, match="nothing was evaluated"):
        RetrievalRanks().compute()


def test_negative_query_ids_are_refused():
    with pytest.raises(InputError, match="ids"):
        RetrievalRanks().update(torch.tensor([-1]), torch.zeros(1, 2), torch.tensor([0]))


@pytest.mark.parametrize("values", [{"ks": (1, 5)}, {"ks": (0, 1, 5, 10)}])
def test_depths_have_to_fit(values):
    with pytest.raises(InputError, match="sum_r_of"):
        RetrievalRanks(**values)


@given(
    scores=st.lists(st.integers(0, 3), min_size=2, max_size=6),
    own=st.sets(st.integers(0, 5), min_size=1, max_size=4),
    k=st.integers(1, 6),
)
@settings(max_examples=150, deadline=None)
def test_several_positives_agree_with_every_ordering_of_the_ties(scores, own, k):
    """Rank and hit of the best positive, averaged over all orders that the scores allow."""
    own = {column % len(scores) for column in own}
    ranks = []
    for order in permutations(range(len(scores))):
        if all(scores[a] >= scores[b] for a, b in pairwise(order)):
            first = next(place for place, column in enumerate(order) if column in own)
            ranks.append(1 + sum(column not in own for column in order[:first]))
    metric = RetrievalRanks(ks=(k,), sum_r_of=(k,))
    positives = torch.tensor(sorted(own))
    metric.update(torch.tensor([0]), torch.tensor([scores]).float(), positives, torch.tensor([0, len(own)]))
    found = metric.per_query()
    assert found["rank"][0] == pytest.approx(np.mean(ranks))
    assert found[f"hit@{k}"][0] == pytest.approx(np.mean([rank <= k for rank in ranks]))


def test_one_positive_is_ranked_alike_either_way():
    scores = torch.randint(0, 4, (20, 9), generator=torch.Generator().manual_seed(0)).float()
    positive = torch.arange(20) % 9
    one, several = RetrievalRanks(), RetrievalRanks()
    one.update(torch.arange(20), scores, positive)
    several.update(torch.arange(20), scores, positive, torch.arange(21))
    assert one.compute() == several.compute()


def test_a_query_without_a_positive_is_named():
    with pytest.raises(InputError, match="query 7 has none"):
        RetrievalRanks().update(
            torch.tensor([7]), torch.zeros(1, 3), torch.tensor([], dtype=torch.int64), torch.tensor([0, 0])
        )
