"""Text masks: who is chosen, what becomes of the chosen, and what the labels say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.errors import InputError
from fashionvl.masking.text import IGNORED_LABEL, TextMask, Words, mask_tokens

VOCAB = 50
MASK = 4
SPECIAL = np.array([49, 0, 2, 3, MASK, 17])


def mask(ids, spec, seed=0, special=SPECIAL):
    """One caption alone."""
    rng = np.random.default_rng(seed)
    batch = np.array([ids], np.int64)
    masked, labels = mask_tokens(batch, batch >= 0, spec, Words(MASK, special, VOCAB), [rng])
    return masked[0], labels[0]


def mask_plainly(ids, spec, rng):
    """Mask one caption, step by step; returned as `mask` does."""
    masked, labels = list(ids), [IGNORED_LABEL] * len(ids)
    eligible = [place for place, token in enumerate(ids) if token not in SPECIAL]
    if spec.ratio == 0 or not eligible:
        return masked, labels
    drawn = rng.random(len(eligible))
    chosen = [place for place, number in zip(eligible, drawn, strict=True) if number < spec.ratio]
    chosen = chosen or [int(rng.choice(eligible))]
    fates = rng.random(len(chosen))
    ordinary = sorted(set(range(VOCAB)) - set(SPECIAL.tolist()))
    for place, fate in zip(chosen, fates, strict=True):
        labels[place] = ids[place]
        if fate < spec.mask_share:
            masked[place] = MASK
    replaced = [
        place for place, fate in zip(chosen, fates, strict=True)
        if spec.mask_share <= fate < spec.mask_share + spec.random_share
    ]  # fmt: skip
    for place, rank in zip(replaced, rng.integers(0, len(ordinary), size=len(replaced)), strict=True):
        masked[place] = ordinary[rank]
    return masked, labels


specs = st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)).map(
    lambda draw: TextMask(ratio=draw[0], mask_share=draw[1], random_share=(1 - draw[1]) * draw[2])
)
captions = st.lists(st.integers(0, VOCAB - 1), min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(ids=captions, spec=specs, seed=st.integers(0, 2**32 - 1))
def test_only_ordinary_tokens_are_chosen_and_labelled(ids, spec, seed):
    ids = np.array(ids)
    before = ids.copy()
    masked, labels = mask(ids, spec, seed)
    np.testing.assert_array_equal(ids, before)
    assert masked.shape == labels.shape == ids.shape
    assert masked.dtype == labels.dtype == np.int64

    chosen, special = labels != -100, np.isin(ids, SPECIAL)
    assert not (chosen & special).any()
    np.testing.assert_array_equal(labels[chosen], ids[chosen])
    np.testing.assert_array_equal(masked[~chosen], ids[~chosen])
    assert not np.isin(masked[chosen & (masked != MASK)], SPECIAL).any()
    assert ((masked >= 0) & (masked < VOCAB)).all()
    assert chosen.any() == (spec.ratio > 0 and not special.all())

    again = mask(ids, spec, seed)
    np.testing.assert_array_equal(masked, again[0])
    np.testing.assert_array_equal(labels, again[1])


@settings(max_examples=100, deadline=None)
@given(
    ids=st.lists(captions.map(lambda ids: np.resize(ids, 12)), max_size=6),
    spec=specs,
    seed=st.integers(0, 99),
)
def test_a_batch_is_masked_as_its_captions_are_one_by_one(ids, spec, seed):
    def generators():
        return [np.random.default_rng([seed, line]) for line in range(len(ids))]

    together = generators()
    batch = np.array(ids, np.int64).reshape(-1, 12)
    masked, labels = mask_tokens(batch, batch >= 0, spec, Words(MASK, SPECIAL, VOCAB), together)
    for line, rng in enumerate(generators()):
        expected = mask_plainly(ids[line].tolist(), spec, rng)
        assert (masked[line].tolist(), labels[line].tolist()) == expected
        # Whatever is drawn next is the same, too.
        assert rng.random() == together[line].random()


def test_shares_are_berts():
    ids = np.resize(np.setdiff1d(np.arange(VOCAB), SPECIAL), 200_000)
    masked, labels = mask(ids, TextMask())
    chosen = labels != -100
    assert abs(chosen.mean() - 0.15) < 0.005
    # A random replacement equals the original once in 44 times and then counts as kept.
    same = 0.1 / (VOCAB - len(SPECIAL))
    assert abs((masked[chosen] == MASK).mean() - 0.8) < 0.01
    assert abs((masked[chosen] == ids[chosen]).mean() - (0.1 + same)) < 0.01
    assert abs(((masked != ids) & (masked != MASK))[chosen].mean() - (0.1 - same)) < 0.01


def test_random_replacement_reaches_every_ordinary_id_evenly():
    ordinary = np.setdiff1d(np.arange(VOCAB), SPECIAL)
    masked, _ = mask(np.full(88_000, 20), TextMask(ratio=1, mask_share=0, random_share=1))
    counts = np.bincount(masked, minlength=VOCAB)
    assert counts[SPECIAL].sum() == 0
    # 2,000 expected of each, standard deviation 44.
    assert np.abs(counts[ordinary] - 2000).max() < 230


def test_one_token_is_chosen_when_chance_chose_none():
    positions = set()
    for seed in range(200):
        _, labels = mask([2, 20, 21, 22, 3, 0, 0], TextMask(ratio=1e-9), seed)
        assert (labels != -100).sum() == 1
        positions.add(int(np.flatnonzero(labels != -100)[0]))
    assert positions == {1, 2, 3}


def test_special_ids_beyond_the_vocabulary_do_no_harm():
    masked, _ = mask(
        np.full(1000, 20), TextMask(ratio=1, mask_share=0, random_share=1), special=np.array([0, 60, 60, -1])
    )
    assert masked.min() >= 1
    assert set(masked) == set(range(1, VOCAB))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ratio": 1.01}, ["text_mask.ratio", "1.01", "[0, 1]"]),
        ({"ratio": -1}, ["text_mask.ratio", "-1"]),
        ({"mask_share": 2}, ["text_mask.mask_share"]),
        ({"random_share": float("nan")}, ["text_mask.random_share", "nan"]),
        ({"mask_share": 0.8, "random_share": 0.3}, ["mask_share + random_share", "1.1"]),
    ],
)
def test_bad_values_are_refused_in_one_line(values, words):
    with pytest.raises(InputError) as caught:
        TextMask(**values)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(lengths=st.lists(st.integers(0, 9), min_size=1, max_size=5), spec=specs, seed=st.integers(0, 99))
def test_padding_is_never_chosen_even_with_an_ordinary_id(lengths, spec, seed):
    pad = 5
    assert pad not in SPECIAL
    attention = np.arange(9) < np.array(lengths)[:, None]
    batch = np.where(attention, 7, pad)
    batch[:, 0] = pad
    rngs = [np.random.default_rng([seed, line]) for line in range(len(batch))]
    masked, labels = mask_tokens(batch, attention, spec, Words(MASK, SPECIAL, VOCAB), rngs)
    assert (labels[~attention] == IGNORED_LABEL).all()
    assert (masked[~attention] == batch[~attention]).all()
    for line, length in enumerate(lengths):
        alone = mask(batch[line, :length].tolist(), spec, [seed, line]) if length else ([], [])
        assert masked[line, :length].tolist() == list(alone[0])
        assert labels[line, :length].tolist() == list(alone[1])
        if spec.ratio == 1:
            assert (labels[line, :length] == batch[line, :length]).all()


def test_without_a_mask_token_words_can_still_be_replaced():
    batch = np.array([[7, 8, 9]])
    spec = TextMask(ratio=1, mask_share=0, random_share=1)
    masked, labels = mask_tokens(
        batch, batch >= 0, spec, Words(None, SPECIAL, VOCAB), [np.random.default_rng(0)]
    )
    assert labels.tolist() == batch.tolist()
    assert not np.isin(masked, SPECIAL).any()
