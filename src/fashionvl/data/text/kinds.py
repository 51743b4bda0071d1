"""Choose a tokenizer by `data.init_args.tokenizer`: made from the captions, or loaded."""

from collections.abc import Callable, Sequence
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from fashionvl.data.text.loading import load_tokenizer
from fashionvl.data.text.wordpiece import find_alphabet, train_wordpiece
from fashionvl.data.text.words import build_words, find_words
from fashionvl.files.whole import whole_folder

WORDPIECE = ("wordpiece", "train")
"""Both names mean a WordPiece trained on the captions."""

WORDS = "words"
"""The name of a vocabulary of whole words."""


def is_made(name: str) -> bool:
    """Return whether a tokenizer of this name is made from the captions."""
    return name in (*WORDPIECE, WORDS)


def check_captions(name: str, captions: Sequence[str], vocabulary: int, min_count: int) -> None:
    """Refuse captions that the tokenizer asked for cannot be made from; nothing to check for a loaded one.

    Args:
        name: as `open_tokenizer`.
        captions: the distinct ones of the training file.
        vocabulary: size of a WordPiece.
        min_count: a word's least number of occurrences.

    Raises:
        InputError: as `train_wordpiece` and `build_words`.
    """
    if name in WORDPIECE:
        find_alphabet(captions, vocabulary)
    if name == WORDS:
        find_words(captions, min_count)


def open_tokenizer(
    name: str, captions: Callable[[], Sequence[str]], folder: Path, vocabulary: int, min_count: int
) -> PreTrainedTokenizerFast:
    """Load a tokenizer, or make it from the captions on first use.

    Args:
        name: `wordpiece` or `train`, `words`, or else a hub id or folder; a folder of one of these names is
            written with its path, such as `./words`.
        captions: gives the distinct captions of the training file; called where one is to be made.
        folder: holds those made.
        vocabulary: size of a WordPiece.
        min_count: a word's least number of occurrences.

    Raises:
        InputError: as `load_tokenizer`, `train_wordpiece` and `build_words`.
    """
    if name in WORDPIECE:
        made = folder / f"wordpiece-{vocabulary}"
        if not made.exists():
            with whole_folder(made) as scratch:
                train_wordpiece(captions(), scratch, vocabulary)
        return load_tokenizer(made)
    if name == WORDS:
        made = folder / f"words-{min_count}"
        if not made.exists():
            with whole_folder(made) as scratch:
                build_words(captions(), scratch, min_count)
        return load_tokenizer(made)
    return load_tokenizer(name)
