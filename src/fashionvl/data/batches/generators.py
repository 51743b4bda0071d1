"""A random generator for every pair of a batch."""

from collections.abc import Sequence

import numpy as np

WORD = 32
"""Bits of the words that a seed sequence is fed."""


def generators(seed: int, epochs: Sequence[int], rows: np.ndarray) -> list[np.random.Generator]:
    """The generators `np.random.default_rng([seed, epoch, row])`, at half the price.

    NumPy turns a list into 32-bit words number by number; here the words of a batch are made at once.

    Args:
        seed: not negative.
        epochs: `[B]`, below 2**32.
        rows: `[B]`, below 2**32.
    """
    first = _words(seed)
    entropy = np.empty((len(rows), len(first) + 2), np.uint32)
    entropy[:, :-2], entropy[:, -2], entropy[:, -1] = first, epochs, rows
    return [np.random.Generator(np.random.PCG64(line)) for line in entropy]


def _words(number: int) -> list[int]:
    """A number in 32-bit words, the lowest first; 0 is one word."""
    words = [number % 2**WORD]
    while number := number >> WORD:
        words.append(number % 2**WORD)
    return words
