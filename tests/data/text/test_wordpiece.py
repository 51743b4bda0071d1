"""A WordPiece trained on the captions."""

import json

import pytest
from transformers import AutoTokenizer

from fashionvl.data.text import wordpiece as module
from fashionvl.data.text.wordpiece import train_wordpiece
from fashionvl.errors import InputError


class TestTraining:
    """Vocabularies that `train_wordpiece` learns and writes."""

    def test_special_tokens_have_the_first_ids(self, tokenizer):
        tokens = tokenizer.convert_ids_to_tokens(range(5))
        assert tokens == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        ids = [getattr(tokenizer, f"{name}_token_id") for name in ("pad", "unk", "cls", "sep", "mask")]
        assert ids == [0, 1, 2, 3, 4]
        assert sorted(tokenizer.all_special_ids) == [0, 1, 2, 3, 4]

    def test_vocabulary_is_contiguous_and_within_its_size(self, tokenizer):
        assert sorted(tokenizer.get_vocab().values()) == list(range(len(tokenizer)))
        assert len(tokenizer) == 150

    def test_texts_are_lower_cased_and_framed(self, tokenizer):
        ids = tokenizer("Long SLEEVE")["input_ids"]
        assert ids == tokenizer("long sleeve")["input_ids"]
        assert (ids[0], ids[-1]) == (2, 3)
        assert tokenizer.decode(ids, skip_special_tokens=True) == "long sleeve"

    def test_every_training_caption_is_covered(self, tokenizer, captions):
        assert all(1 not in ids for ids in tokenizer(captions)["input_ids"])
        assert 1 in tokenizer("猫")["input_ids"]

    def test_mask_token_in_a_text_is_one_token(self, tokenizer):
        assert 4 in tokenizer("long [MASK] sleeve")["input_ids"]

    def test_the_folder_is_what_transformers_reads(self, folder, tokenizer, captions):
        again = AutoTokenizer.from_pretrained(str(folder))
        assert again(captions[0])["input_ids"] == tokenizer(captions[0])["input_ids"]
        config = json.loads((folder / "tokenizer_config.json").read_text())
        assert config["tokenizer_class"] == "PreTrainedTokenizerFast"

    def test_the_same_captions_give_the_same_bytes(self, folder, tmp_path, captions):
        # `WordPieceTrainer` alone learns another vocabulary every time here: ties between pairs decide.
        for attempt in range(3):
            train_wordpiece(captions, tmp_path / str(attempt), vocab_size=150)
            for name in ("tokenizer.json", "tokenizer_config.json"):
                assert (tmp_path / str(attempt) / name).read_bytes() == (folder / name).read_bytes()

    def test_rare_characters_are_dropped_first(self, tmp_path, monkeypatch):
        monkeypatch.setattr(module, "MOST_CHARACTERS", 3)
        tokenizer = train_wordpiece(["aab aab ccc d"], tmp_path)
        assert {"a", "b", "c"} <= set(tokenizer.get_vocab())
        assert "d" not in tokenizer.get_vocab()

    def test_a_vocabulary_too_small_for_the_alphabet_says_what_fits(self, tmp_path):
        with pytest.raises(InputError, match=r"vocabulary: 9 .* at least 11"):
            train_wordpiece(["abc cba"], tmp_path, vocab_size=9)
        assert len(train_wordpiece(["abc cba"], tmp_path, vocab_size=11)) <= 11

    @pytest.mark.parametrize("texts", [[], ["", "  "]])
    def test_no_text_to_train_on(self, tmp_path, texts):
        with pytest.raises(InputError, match="no text to train on"):
            train_wordpiece(texts, tmp_path)


def test_an_endless_word_changes_nothing_but_its_letters(tmp_path):
    captions = [f"black cotton dress number {number}" for number in range(50)]
    plain = train_wordpiece([*captions, "black, cotton"], tmp_path / "plain", 200)
    endless = train_wordpiece([*captions, f"black {'dress' * 40_000}, cotton"], tmp_path / "endless", 200)
    assert endless.get_vocab() == plain.get_vocab()
    assert endless.tokenize("dress" * 40_000) == ["[UNK]"]


def test_words_up_to_the_limit_are_learnt(tmp_path):
    word = "ab" * 50
    assert word in train_wordpiece([word] * 9, tmp_path / "a", 200).get_vocab()
    assert word + "a" not in train_wordpiece([word + "a"] * 9, tmp_path / "b", 200).get_vocab()
