"""Captions, and small tokenizers of the families that the hub has, built and saved locally."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from fashionvl.data.text.loading import load_tokenizer
from fashionvl.data.text.wordpiece import train_wordpiece

GARMENTS = ["t-shirt", "trousers", "cardigan", "blazer", "hoodie", "jeans", "skirt", "coat"]
COLOURS = ["black", "navy", "burgundy", "ivory", "olive", "grey"]
MATERIALS = ["cotton", "wool", "linen", "denim", "jersey", "cashmere"]

START, END = "<|startoftext|>", "<|endoftext|>"


@pytest.fixture(scope="session")
def captions() -> list[str]:
    return [
        f"Long sleeve {material} {garment} in {colour}. Rib knit collar. Tonal stitching."
        for garment in GARMENTS
        for colour in COLOURS
        for material in MATERIALS
    ]


Save = Callable[..., Path]


@pytest.fixture
def save_bpe(tmp_path: Path, captions: list[str]) -> Save:
    """Save a byte-level BPE; `framed` writes START ... END around texts, keywords name special tokens."""

    def save(framed: bool, **special: str) -> Path:
        backend = Tokenizer(models.BPE())
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=320,
            special_tokens=[START, END],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        backend.train_from_iterator(captions, trainer)
        backend.post_processor = processors.ByteLevel(trim_offsets=False)
        if framed:
            marks = [(token, backend.token_to_id(token)) for token in (END, START)]
            backend.post_processor = processors.RobertaProcessing(*marks)
        folder = tmp_path / f"bpe-{'-'.join(special)}-{framed}"
        PreTrainedTokenizerFast(tokenizer_object=backend, **special).save_pretrained(folder)
        return folder

    return save


@pytest.fixture
def clip_like(save_bpe: Save) -> Path:
    """CLIP's marks: begin and end, padded with the end mark, no mask token."""
    return save_bpe(True, bos_token=START, eos_token=END, pad_token=END, unk_token=END)


@pytest.fixture
def gpt2_like(save_bpe: Save) -> Path:
    """GPT-2's marks: one token for begin and end, written nowhere; no pad and no mask token."""
    return save_bpe(False, bos_token=END, eos_token=END, unk_token=END)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, captions: list[str]) -> Path:
    """A trained WordPiece."""
    folder = tmp_path_factory.mktemp("wordpiece")
    train_wordpiece(captions, folder, vocab_size=150)
    return folder


@pytest.fixture(scope="session")
def tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    return load_tokenizer(folder)
