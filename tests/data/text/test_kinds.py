"""Tokenizers by their names in a configuration."""

import logging

import pytest

from fashionvl.data.text.encoding import tokenizer_fingerprint
from fashionvl.data.text.kinds import open_tokenizer
from fashionvl.errors import InputError


def never():
    raise AssertionError("the captions are not needed")


def test_train_and_wordpiece_are_one(captions, tmp_path):
    made = open_tokenizer("train", lambda: captions, tmp_path, 150, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["wordpiece-150"]
    again = open_tokenizer("wordpiece", never, tmp_path, 150, 9)
    assert tokenizer_fingerprint(again) == tokenizer_fingerprint(made)


def test_words_are_kept_by_their_threshold(captions, tmp_path):
    few = open_tokenizer("words", lambda: captions, tmp_path, 150, 40)
    many = open_tokenizer("words", lambda: captions, tmp_path, 150, 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["words-4", "words-40"]
    assert len(few) < len(many)
    assert open_tokenizer("words", never, tmp_path, 150, 40).get_vocab() == few.get_vocab()


def test_a_tokenizer_that_cannot_be_made_leaves_nothing(captions, tmp_path):
    with pytest.raises(InputError, match="min_count"):
        open_tokenizer("words", lambda: captions, tmp_path, 150, 10_000)
    assert not list(tmp_path.iterdir())


def test_any_other_name_is_loaded(clip_like, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        tokenizer = open_tokenizer(str(clip_like), never, tmp_path / "index", 150, 4)
    assert tokenizer.bos_token == "<|startoftext|>"
    assert not (tmp_path / "index").exists()
    assert not caplog.records
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
