"""Fingerprints of tokenizers, and captions as ids."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.data.text.encoding import encode_captions, tokenizer_fingerprint
from fashionvl.data.text.loading import load_tokenizer
from fashionvl.data.text.wordpiece import train_wordpiece


class TestFingerprint:
    """Differences between tokenizers that `tokenizer_fingerprint` sees."""

    def test_survives_saving_and_use(self, folder, tokenizer):
        mark = tokenizer_fingerprint(tokenizer)
        used = load_tokenizer(folder)
        used(["a", "long sleeve"], truncation=True, max_length=3, padding="max_length")
        assert tokenizer_fingerprint(used) == mark

    def test_tells_vocabularies_apart(self, tmp_path, tokenizer, captions):
        other = train_wordpiece(captions, tmp_path, vocab_size=151)
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
