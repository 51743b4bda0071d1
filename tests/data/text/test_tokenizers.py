"""Loading, training, fingerprints and encoding of tokenizers."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from fashionvl.data.text import tokenizers as module
from fashionvl.data.text.tokenizers import (
    encode_captions,
    load_tokenizer,
    tokenizer_fingerprint,
    train_wordpiece,
)
from fashionvl.errors import InputError

GARMENTS = ["t-shirt", "trousers", "cardigan", "blazer", "hoodie", "jeans", "skirt", "coat"]
COLOURS = ["black", "navy", "burgundy", "ivory", "olive", "grey"]
MATERIALS = ["cotton", "wool", "linen", "denim", "jersey", "cashmere"]
CAPTIONS = [
    f"Long sleeve {material} {garment} in {colour}. Rib knit collar. Tonal stitching."
    for garment in GARMENTS
    for colour in COLOURS
    for material in MATERIALS
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    train_wordpiece(CAPTIONS, folder, vocab_size=150)
    return folder


@pytest.fixture(scope="module")
def tokenizer(folder):
    return load_tokenizer(folder)


class TestTraining:
    """What `train_wordpiece` learns and writes."""

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

    def test_every_training_caption_is_covered(self, tokenizer):
        assert all(1 not in ids for ids in tokenizer(CAPTIONS)["input_ids"])
        assert 1 in tokenizer("猫")["input_ids"]

    def test_mask_token_in_a_text_is_one_token(self, tokenizer):
        assert 4 in tokenizer("long [MASK] sleeve")["input_ids"]

    def test_the_folder_is_what_transformers_reads(self, folder, tokenizer):
        again = AutoTokenizer.from_pretrained(str(folder))
        assert again(CAPTIONS[0])["input_ids"] == tokenizer(CAPTIONS[0])["input_ids"]
        config = json.loads((folder / "tokenizer_config.json").read_text())
        assert config["tokenizer_class"] == "PreTrainedTokenizerFast"

    def test_the_same_captions_give_the_same_bytes(self, folder, tmp_path):
        # `WordPieceTrainer` alone learns another vocabulary every time here: ties between pairs decide.
        for attempt in range(3):
            train_wordpiece(CAPTIONS, tmp_path / str(attempt), vocab_size=150)
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

    @pytest.mark.parametrize("captions", [[], ["", "  "]])
    def test_no_text_to_train_on(self, tmp_path, captions):
        with pytest.raises(InputError, match="no text to train on"):
            train_wordpiece(captions, tmp_path)


class TestLoading:
    """What `load_tokenizer` refuses."""

    def save(self, folder, **special):
        backend = Tokenizer(models.WordLevel({"shirt": 0, "[UNK]": 1, "[X]": 2}, unk_token="[UNK]"))
        backend.pre_tokenizer = pre_tokenizers.Whitespace()
        PreTrainedTokenizerFast(tokenizer_object=backend, **special).save_pretrained(folder)
        return folder

    def test_missing_folder(self, tmp_path):
        with pytest.raises(InputError, match=r"nowhere: no such folder.*local folder, or 'train'"):
            load_tokenizer(tmp_path / "nowhere")

    def test_folder_without_a_tokenizer(self, tmp_path):
        with pytest.raises(InputError, match="local folder"):
            load_tokenizer(tmp_path)

    def test_unreachable_hub(self, monkeypatch):
        def unreachable(name):
            raise OSError("We couldn't connect to the hub\nto load this file")

        monkeypatch.setattr(module.AutoTokenizer, "from_pretrained", unreachable)
        with pytest.raises(InputError, match=r"tokenizer bert-base-uncased: .*'train'") as caught:
            load_tokenizer("bert-base-uncased")
        assert "\n" not in str(caught.value)

    def test_missing_special_tokens_are_named(self, tmp_path):
        folder = self.save(tmp_path, unk_token="[UNK]", pad_token="[X]", cls_token="[X]")
        with pytest.raises(InputError, match="it has no sep_token, mask_token"):
            load_tokenizer(folder)

    def test_unframed_texts_are_refused(self, tmp_path):
        names = ("pad_token", "cls_token", "sep_token", "mask_token")
        folder = self.save(tmp_path, unk_token="[UNK]", **dict.fromkeys(names, "[X]"))
        with pytest.raises(InputError, match="cls before a text"):
            load_tokenizer(folder)

    def test_slow_tokenizers_are_refused(self, tokenizer, monkeypatch):
        monkeypatch.setattr(type(tokenizer), "is_fast", False)
        monkeypatch.setattr(module.AutoTokenizer, "from_pretrained", lambda name: tokenizer)
        with pytest.raises(InputError, match="not a fast tokenizer"):
            load_tokenizer("slow")


class TestFingerprint:
    """What `tokenizer_fingerprint` sees."""

    def test_survives_saving_and_use(self, folder, tokenizer):
        mark = tokenizer_fingerprint(tokenizer)
        used = load_tokenizer(folder)
        used(["a", "long sleeve"], truncation=True, max_length=3, padding="max_length")
        assert tokenizer_fingerprint(used) == mark

    def test_tells_vocabularies_apart(self, tmp_path, tokenizer):
        other = train_wordpiece(CAPTIONS, tmp_path, vocab_size=151)
        assert tokenizer_fingerprint(other) != tokenizer_fingerprint(tokenizer)


words = st.sampled_from(["long", "sleeve", "Cotton", "T-SHIRT", "naïve", "猫", ".", "", "zzz"])


class TestEncoding:
    """`encode_captions` beside the tokenizer itself."""

    @settings(max_examples=40, deadline=None)
    @given(captions=st.lists(st.lists(words).map(" ".join), max_size=12), batch=st.integers(1, 5))
    def test_is_the_tokenizer_caption_by_caption(self, tokenizer, captions, batch):
        ids, offsets = encode_captions(tokenizer, captions, batch)
        assert (ids.dtype, offsets.dtype) == (np.int32, np.int64)
        assert len(offsets) == len(captions) + 1
        assert offsets[-1] == len(ids)
        for row, caption in enumerate(captions):
            assert ids[offsets[row] : offsets[row + 1]].tolist() == tokenizer(caption)["input_ids"]

    def test_long_captions_are_whole(self, tokenizer):
        ids, offsets = encode_captions(tokenizer, ["cotton " * 700, ""])
        assert offsets[1] >= 702
        assert ids[offsets[1] :].tolist() == [2, 3]

    def test_each_distinct_caption_is_tokenised_once(self, tokenizer, monkeypatch):
        seen = []
        original = type(tokenizer).__call__

        def spy(self, texts, **options):
            seen.extend(texts)
            return original(self, texts, **options)

        monkeypatch.setattr(type(tokenizer), "__call__", spy)
        encode_captions(tokenizer, ["a", "b", "a", "a", "b"])
        assert seen == ["a", "b"]
