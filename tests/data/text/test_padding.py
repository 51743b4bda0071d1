"""Captions in batches under tokenizers whose pad is a word or a mark: attention follows from lengths."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fashionvl.data.batches.corruption import CLEAN, Corruption
from fashionvl.data.batches.pairs import PairDataset
from fashionvl.data.batches.source import SplitSource
from fashionvl.data.index.catalogue import CaptionStore
from fashionvl.data.retrieval.candidates import CandidateSet
from fashionvl.data.retrieval.dataset import RetrievalDataset
from fashionvl.data.text.encoding import encode_captions
from fashionvl.data.text.loading import frame_of, load_tokenizer
from fashionvl.data.text.words import build_words
from fashionvl.data.visual.corruption import PatchCorruption
from fashionvl.errors import InputError
from fashionvl.masking.alignment import AlignmentGuidedMask
from fashionvl.masking.text import IGNORED_LABEL, TextMask

START, END = "<|startoftext|>", "<|endoftext|>"
NAMES = ("wordpiece", "words", "clip", "gpt2", "pads with a word")
LENGTH = 9

pieces = st.sampled_from(
    ["Long", "sleeve", "cotton", "!", "!!", "zzz", END, START, "[PAD]", "[SEP]", "[MASK]", "<pad>", "<end>"]
)
texts = st.lists(st.lists(pieces, max_size=14).map(" ".join), min_size=1, max_size=6)


@pytest.fixture
def tokenizers(folder, clip_like, gpt2_like, save_bpe, captions, tmp_path):
    """One of each family; the last pads with an exclamation mark, an ordinary word."""
    return dict(
        zip(
            NAMES,
            [
                load_tokenizer(folder),
                build_words(captions, tmp_path / "words"),
                load_tokenizer(clip_like),
                load_tokenizer(gpt2_like),
                load_tokenizer(save_bpe(True, bos_token=START, eos_token=END, pad_token="!")),
            ],
            strict=True,
        )
    )


def source_of(tokenizer, captions, shorten=False):
    """Captions with a grey photograph each, all of different products."""
    ids, offsets = encode_captions(tokenizer, captions)
    rows = np.arange(len(captions))
    reader = SimpleNamespace(
        source=Path("grey"), image=lambda row: np.full((8, 8, 3), 90, np.uint8), __len__=lambda: len(rows)
    )
    return SplitSource(
        reader=reader, boxes=np.tile(np.array([0, 0, 8, 8], np.int16), (len(rows), 1)), pixels=None,
        captions=CaptionStore(ids, offsets, rows), product_id=rows, category=rows * 0, subcategory=rows * 0,
        image_size=8, max_tokens=LENGTH, pad_id=int(tokenizer.pad_token_id), crop=True,
        pad_to_longest=shorten,
    )  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(captions=texts, shorten=st.booleans())
def test_attention_is_the_caption_s_length(tokenizers, name, captions, shorten):
    tokenizer = tokenizers[name]
    source = source_of(tokenizer, captions, shorten)
    rows = np.arange(len(captions))
    whole = [tokenizer(caption)["input_ids"] for caption in captions]
    lengths = [min(len(ids), LENGTH) for ids in whole]
    table = CandidateSet("itr", rows, rows[:, None], np.zeros_like(rows), {})
    batches = [
        PairDataset(source, rows, tokenizer, CLEAN, 0).__getitems__([(0, int(row)) for row in rows]),
        RetrievalDataset(source, table).__getitems__(rows.tolist()),
    ]
    for batch in batches:
        width = max(lengths) if shorten else LENGTH
        assert batch.input_ids.shape == batch.attention_mask.shape == (len(captions), width)
        for row, length in enumerate(lengths):
            assert batch.attention_mask[row].tolist() == [1] * length + [0] * (width - length)
            shown = batch.input_ids[row, :length].tolist()
            # Cut before the end mark: the first and the last id are the tokenizer's own.
            assert shown == [*whole[row][: length - 1], whole[row][-1]]
            assert (shown[0], shown[-1]) == frame_of(tokenizer)
            assert (batch.input_ids[row, length:] == tokenizer.pad_token_id).all()


@pytest.mark.parametrize("name", NAMES)
def test_clean_captions_need_no_mask_token(tokenizers, name):
    source = source_of(tokenizers[name], ["long sleeve", "cotton"])
    for corruption in (CLEAN, Corruption(text=TextMask(ratio=0))):
        assert len(PairDataset(source, np.arange(2), tokenizers[name], corruption, 0)) == 2


PATCHES = PatchCorruption(AlignmentGuidedMask(), camouflage=False)


@pytest.mark.parametrize("name", ["words", "clip", "gpt2"])
@pytest.mark.parametrize("corruption", [Corruption(text=TextMask()), Corruption(patches=PATCHES)])
def test_masking_text_without_a_mask_token_is_refused(tokenizers, name, corruption):
    source = source_of(tokenizers[name], ["long sleeve", "cotton"])
    with pytest.raises(InputError, match=r"model\.init_args\.mlm: it masks words, but tokenizer") as caught:
        PairDataset(source, np.arange(2), tokenizers[name], corruption, 0)
    assert f"tokenizer {tokenizers[name].name_or_path} has no mask token" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_random_words_need_no_mask_token_and_neither_marks_nor_padding_are_chosen(tokenizers, name):
    tokenizer = tokenizers[name]
    said = ["long sleeve cotton", "cotton", ""] * 20
    source = source_of(tokenizer, said)
    spec = TextMask(ratio=1.0, mask_share=0.0, random_share=1.0)
    dataset = PairDataset(source, np.arange(len(said)), tokenizer, Corruption(text=spec), 0)
    batch = dataset.__getitems__([(0, row) for row in range(len(said))])
    clean = source.tokens(np.arange(len(said)))
    ordinary = ~torch.from_numpy(np.isin(clean.ids, tokenizer.all_special_ids) | ~clean.attention)
    assert torch.equal(batch.mlm_labels != IGNORED_LABEL, ordinary)
    assert not np.isin(batch.input_ids[ordinary].numpy(), tokenizer.all_special_ids).any()
    assert torch.equal(batch.input_ids[~ordinary], torch.from_numpy(clean.ids)[~ordinary])
    assert (batch.input_ids[:, 0] == frame_of(tokenizer)[0]).all()
