"""A vocabulary of whole words, against hand-made counts."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from fashionvl.data.text.encoding import encode_captions, tokenizer_fingerprint
from fashionvl.data.text.loading import frame_of, load_tokenizer, special_ids
from fashionvl.data.text.words import build_words
from fashionvl.errors import InputError

SAID = [
    "Red shirt, red collar.",
    "Blue shirt with red trim.",
    "Blue V-neck; 100% wool.",
    "Wool v-neck. Shirt",
]
"""Twice or more: "." 4, red 3, shirt 3, blue 2, v-neck 2, wool 2."""

COUNTED = ["<pad>", "<start>", "<end>", "<unk>", ".", "red", "shirt", "blue", "v-neck", "wool"]


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    return build_words(SAID, tmp_path_factory.mktemp("words"), min_count=2)


def test_ids_follow_count_then_spelling(words):
    assert words.convert_ids_to_tokens(range(len(words))) == COUNTED
    assert (words.pad_token_id, words.bos_token_id, words.eos_token_id, words.unk_token_id) == (0, 1, 2, 3)
    assert special_ids(words).tolist() == [0, 1, 2, 3]
    assert words.mask_token is None
    assert words.cls_token is None


def test_a_caption_is_start_words_end(words):
    assert frame_of(words) == (1, 2)
    assert words("RED v-neck, of WOOL.")["input_ids"] == [1, 5, 8, 3, 3, 9, 4, 2]
    assert words("")["input_ids"] == [1, 2]
    assert words.decode([1, 5, 6, 2], skip_special_tokens=True) == "red shirt"


@pytest.mark.parametrize(("count", "size"), [(1, 17), (2, 10), (3, 7), (4, 5)])
def test_the_threshold_counts(tmp_path, count, size):
    # Once each: , collar with trim ; 100 %
    tokenizer = build_words(SAID, tmp_path, count)
    assert len(tokenizer) == size
    assert tokenizer.convert_ids_to_tokens(range(min(size, 10))) == COUNTED[:size]


def test_the_folder_is_what_transformers_reads(words, tmp_path):
    build_words(SAID, tmp_path, 2)
    again = AutoTokenizer.from_pretrained(str(tmp_path))
    assert again(SAID)["input_ids"] == words(SAID)["input_ids"]
    assert again.pad_token_id == 0
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert config["tokenizer_class"] == "PreTrainedTokenizerFast"
    again.save_pretrained(tmp_path / "run")
    assert tokenizer_fingerprint(load_tokenizer(tmp_path / "run")) == tokenizer_fingerprint(words)


def test_the_same_captions_give_the_same_bytes_in_any_order(tmp_path, captions):
    for attempt, texts in enumerate([captions, captions, captions[::-1]]):
        build_words(texts, tmp_path / str(attempt), 4)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        first, *others = [(tmp_path / str(attempt) / name).read_bytes() for attempt in range(3)]
        assert others == [first, first]


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("t-shirt with v-neck, rib-knit collar", "t-shirt|with|v-neck|,|rib-knit|collar"),
        ("it's a men's shirt; don't wash", "it|'s|a|men|'s|shirt|;|do|n't|wash"),
        ("100% cotton. approx. 2.5 cm (1,000 g).", "100|%|cotton|.|approx|.|2.5|cm|(|1,000|g|)|."),
        ("and/or a&b --- ... x, y:z 5:30", "and/or|a|&|b|--|-|...|x|,|y|:|z|5:30"),
        ("'quoted' \"double\" shirts' it\u2019s", "'|quoted|'|\"|double|\"|shirts|'|it|\u2019|s"),
        ("“fits.” end.\u2019 next", "“|fits|.|”|end|.|\u2019|next"),
        ("e.g. u.s.a. end.)", "e.g|.|u.s.a|.|end|.|)"),
        ("naïve café 猫", "naïve|café|猫"),
    ],
)
def test_words_are_split_as_the_penn_treebank_does(words, text, split):
    # What NLTK 3.10's `NLTKWordTokenizer` gives sentence by sentence, but for the forms of double quotes.
    pieces = words.backend_tokenizer.pre_tokenizer.pre_tokenize_str(text)
    assert [piece for piece, _ in pieces] == split.split("|")


@settings(max_examples=200, deadline=None)
@given(
    text=st.text("ab1 .,:;-'\"()n\u2019t…\n\té猫", max_size=30)
    | st.text(st.characters(exclude_categories=["C"]), max_size=20)
)
def test_nothing_but_blanks_is_lost(words, text):
    pieces = words.backend_tokenizer.pre_tokenizer.pre_tokenize_str(text)
    assert "".join(piece for piece, _ in pieces) == "".join(text.split())


def test_no_word_is_frequent_enough(tmp_path):
    with pytest.raises(InputError, match=r"min_count: 9, but no word of the captions .* more than 4 times"):
        build_words(SAID, tmp_path, 9)
    with pytest.raises(InputError, match=r"more than 0 times"):
        build_words(["", "  "], tmp_path, 1)


@pytest.mark.parametrize("count", [0, -1])
def test_a_threshold_below_one_is_refused(tmp_path, count):
    with pytest.raises(InputError, match=rf"data\.init_args\.min_count: {count}; at least 1"):
        build_words(SAID, tmp_path, count)


def test_encoding_long_captions_is_whole(words):
    ids, offsets = encode_captions(words, ["red " * 700])
    assert ids.tolist() == [1, *[5] * 700, 2]
    assert offsets.tolist() == [0, 702]
