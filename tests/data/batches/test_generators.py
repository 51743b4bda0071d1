"""One generator a pair."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fashionvl.data.batches.generators import generators

WORDS = st.integers(0, 2**32 - 1)


@given(seed=st.integers(0, 2**70), keys=st.lists(st.tuples(WORDS, WORDS), max_size=3))
def test_they_are_those_of_seed_epoch_and_row(seed: int, keys: list[tuple[int, int]]) -> None:
    found = generators(seed, [epoch for epoch, _ in keys], np.array([row for _, row in keys], np.int64))
    for generator, (epoch, row) in zip(found, keys, strict=True):
        expected = np.random.default_rng([seed, epoch, row])
        assert generator.bit_generator.state == expected.bit_generator.state
