"""Alignment guided masking: quotas, priority of the pairs, never both sides of one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.errors import InputError
from fashionvl.masking.alignment import AlignmentGuidedMask, choose

QUOTAS = {3: 1, 4: 2, 5: 3}
PATCHES = [(level, patch) for level in QUOTAS for patch in range(level**2)]
NO_PAIRS = np.empty((0, 3), np.int64)


def pair_table(rows):
    return np.array(rows, np.int64).reshape(-1, 3)


pair_lists = st.lists(st.tuples(st.integers(0, 19), st.sampled_from(PATCHES)), max_size=40).map(
    lambda drawn: pair_table([(token, *patch) for token, patch in drawn])
)
captions = st.sets(st.integers(0, 19), max_size=20).map(lambda drawn: np.array(sorted(drawn), np.int64))
seeds = st.integers(0, 2**32 - 1)
modes = st.sampled_from(["aligned", "random"])


@settings(max_examples=200, deadline=None)
@given(pairs=pair_lists, eligible=captions, quota=st.integers(0, 12), seed=seeds, mode=modes)
def test_exactly_the_quota_comes_out(pairs, eligible, quota, seed, mode):
    chosen = choose(pairs, eligible, quota, QUOTAS, np.random.default_rng(seed), mode)
    assert len(chosen.tokens) == min(quota, len(eligible))
    assert set(chosen.tokens) <= set(eligible)
    assert (np.diff(chosen.tokens) > 0).all()
    assert list(chosen.patches) == list(QUOTAS)
    for level, patches in chosen.patches.items():
        assert len(patches) == QUOTAS[level]
        assert patches.dtype == np.int64
        assert (np.diff(patches) > 0).all()
        assert ((patches >= 0) & (patches < level**2)).all()

    again = choose(pairs, eligible, quota, QUOTAS, np.random.default_rng(seed), mode)
    np.testing.assert_array_equal(chosen.tokens, again.tokens)
    for level in QUOTAS:
        np.testing.assert_array_equal(chosen.patches[level], again.patches[level])


@settings(max_examples=200, deadline=None)
@given(pairs=pair_lists, seed=seeds)
def test_no_pair_loses_both_sides_while_there_is_anything_unaligned_to_fill_up_with(pairs, seed):
    # Twenty tokens of no pair, and pairs that leave every level more free patches than its quota.
    eligible = np.arange(40)
    pairs = pairs[pairs[:, 2] < pairs[:, 1] ** 2 - 3]
    chosen = choose(pairs, eligible, 6, QUOTAS, np.random.default_rng(seed))
    tokens = set(chosen.tokens.tolist())
    both = [
        (token, level, patch)
        for token, level, patch in pairs.tolist()
        if token in tokens and patch in chosen.patches[level]
    ]
    assert both == []


@settings(max_examples=200, deadline=None)
@given(pairs=pair_lists, quota=st.integers(0, 12), seed=seeds)
def test_pairs_come_first(pairs, quota, seed):
    """A thing of no pair is chosen only where no pair was left that could have given its side instead."""
    chosen = choose(pairs, np.arange(40), quota, QUOTAS, np.random.default_rng(seed))
    tokens = set(chosen.tokens.tolist())
    patches = {(level, int(patch)) for level in QUOTAS for patch in chosen.patches[level]}
    partners = {(token, (level, patch)) for token, level, patch in pairs.tolist()}
    unaligned = tokens - {token for token, _ in partners}
    for token, patch in partners:
        if unaligned and token not in tokens:
            assert any(other in patches for mine, other in partners if mine == token)
        free = {p for p in patches if p[0] == patch[0]} - {p for _, p in partners}
        if free and patch not in patches:
            assert any(mine in tokens for mine, other in partners if other == patch)


def test_each_side_of_a_pair_is_as_likely():
    sides = [
        7 in choose(pair_table([(7, 5, 24)]), np.arange(100), 1, {5: 1}, np.random.default_rng(seed)).tokens
        for seed in range(1000)
    ]
    # The patch side lets token 7 in by chance once in a hundred.
    assert abs(np.mean(sides) - 0.505) < 0.05


def test_a_full_side_leaves_the_other_one():
    pairs = pair_table([(token, 5, token) for token in range(10)])
    for seed in range(20):
        chosen = choose(pairs, np.arange(30), 1, {5: 9}, np.random.default_rng(seed))
        # Nine patches and a token out of ten pairs: every pair gave one side.
        assert set(chosen.tokens) | set(chosen.patches[5]) == set(range(10))
        assert len(chosen.tokens) == 1
        only_patches = choose(pairs, np.arange(30), 0, {5: 9}, np.random.default_rng(seed))
        assert set(only_patches.patches[5]) < set(range(10))


def test_two_pairs_that_share_a_token_do_not_give_away_a_third():
    # Token 0 with patches 0 and 1, token 1 with patch 0: 0 and 1 side by side, or patch 0 alone with patch 1.
    pairs = pair_table([(0, 5, 0), (0, 5, 1), (1, 5, 0)])
    seen = set()
    for seed in range(200):
        chosen = choose(pairs, np.arange(2), 0, {5: 2}, np.random.default_rng(seed))
        assert chosen.patches[5].tolist() == [0, 1]
        chosen = choose(pairs, np.arange(20), 1, {5: 1}, np.random.default_rng(seed))
        seen.add((int(chosen.tokens[0]), int(chosen.patches[5][0])))
    assert not seen & {(0, 0), (0, 1), (1, 0)}
    assert (1, 1) in seen


def test_random_takes_no_notice_of_pairs():
    pairs = pair_table([(3, 5, 7), (4, 4, 2)])
    for seed in range(30):
        with_pairs = choose(pairs, np.arange(9), 3, QUOTAS, np.random.default_rng(seed), "random")
        without = choose(NO_PAIRS, np.arange(9), 3, QUOTAS, np.random.default_rng(seed), "aligned")
        np.testing.assert_array_equal(with_pairs.tokens, without.tokens)
        for level in QUOTAS:
            np.testing.assert_array_equal(with_pairs.patches[level], without.patches[level])


def test_a_caption_without_an_aligned_token_is_masked_at_random():
    # Neither pair counts: token 15 is no ordinary token of the caption, level 2 is never masked.
    pairs = pair_table([(15, 3, 0), (1, 2, 0)])
    counts, patches = np.zeros(10), np.zeros(9)
    for seed in range(2000):
        chosen = choose(pairs, np.arange(10), 2, {3: 1}, np.random.default_rng(seed))
        counts[chosen.tokens] += 1
        patches[chosen.patches[3]] += 1
    # 400 and 222 expected, standard deviations 18 and 14.
    assert np.abs(counts - 400).max() < 90
    assert np.abs(patches - 222).max() < 70


def test_a_level_with_fewer_patches_than_its_quota_is_refused():
    with pytest.raises(InputError, match=r"level 3: 10; the level has 9"):
        choose(NO_PAIRS, np.arange(4), 1, {3: 10}, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("eligible", "spec", "expected"),
    [
        (0, {}, 0),
        (1, {}, 1),
        (3, {}, 1),
        (10, {}, 2),
        (20, {}, 3),
        (62, {}, 9),
        (128, {}, 10),
        (128, {"most": 30}, 19),
        (40, {"ratio": 0.0}, 0),
        (40, {"ratio": 1e-9}, 1),
    ],
)
def test_quota_is_berts(eligible, spec, expected):
    assert AlignmentGuidedMask(**spec).quota(eligible) == expected


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ratio": 1.5}, ["alignment_mask.ratio", "1.5", "[0, 1]"]),
        ({"mask_share": 0.9, "random_share": 0.2}, ["alignment_mask", "1.1"]),
        ({"mode": "greedy"}, ["alignment_mask.mode", "greedy", "aligned or random"]),
        ({"most": 0}, ["alignment_mask.most", "at least 1"]),
    ],
)
def test_bad_specs_are_refused_in_one_line(values, words):
    with pytest.raises(InputError) as caught:
        AlignmentGuidedMask(**values)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)
