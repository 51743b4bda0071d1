"""Caption tokenizers: any fast `transformers` tokenizer, or a WordPiece trained on the captions."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from fashionvl.errors import InputError

SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
"""BERT's special tokens; a trained WordPiece gives them the ids 0 to 4 in this order."""

CONTINUATION = "##"
"""BERT's mark of a piece that continues a word."""

MOST_CHARACTERS = 1000
"""Size limit of the alphabet, the default of `tokenizers`; rarer characters become [UNK]."""


def load_tokenizer(name_or_path: str | Path) -> PreTrainedTokenizerFast:
    """Load a fast tokenizer from the Hugging Face hub or from a local folder.

    Args:
        name_or_path: hub id such as `bert-base-uncased` (the paper's setting), or a folder
            `save_pretrained` wrote.

    Raises:
        InputError: there is no such tokenizer, the hub cannot be reached, or it is not a fast tokenizer
            with cls, sep, pad and mask tokens that frames a text as cls ... sep.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(name_or_path))
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise InputError(
            f"tokenizer {name_or_path}: no such folder, and not to be had from the hub; "
            f"pass a local folder, or 'train' to train one on the captions"
        ) from error
    _check(tokenizer, str(name_or_path))
    return tokenizer


def _check(tokenizer: PreTrainedTokenizerFast, name: str) -> None:
    if not tokenizer.is_fast:
        raise InputError(f"tokenizer {name}: it is not a fast tokenizer; choose one with a tokenizer.json")
    missing = [key for key in SPECIAL_TOKENS if key != "unk_token" and getattr(tokenizer, key) is None]
    if missing:
        raise InputError(f"tokenizer {name}: it has no {', '.join(missing)}; choose a BERT-style tokenizer")
    ids = tokenizer("shirt")["input_ids"]
    if ids[0] != tokenizer.cls_token_id or ids[-1] != tokenizer.sep_token_id:
        raise InputError(
            f"tokenizer {name}: it does not write cls before a text and sep after it; choose a BERT-style one"
        )


def train_wordpiece(captions: Iterable[str], out: Path, vocab_size: int = 2000) -> PreTrainedTokenizerFast:
    """Train a lower-casing WordPiece tokenizer in the manner of BERT (Devlin et al. 2019) and save it.

    The same captions give the same files, byte for byte.

    Args:
        captions: training texts; passed over twice, held in memory once.
        out: folder to write; `load_tokenizer` and `AutoTokenizer` read it.
        vocab_size: upper bound of the vocabulary, special tokens and alphabet included.

    Raises:
        InputError: the captions have no characters, or `vocab_size` is smaller than special tokens and
            alphabet.
    """
    texts = list(captions)
    tokenizer = _bert_pipeline(models.WordPiece(_learn_vocabulary(texts, vocab_size), unk_token="[UNK]"))
    cls, sep = ((token, list(SPECIAL_TOKENS.values()).index(token)) for token in ("[CLS]", "[SEP]"))
    tokenizer.post_processor = processors.BertProcessing(sep, cls)
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS.values()))
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(out / "tokenizer.json"))
    # Written by hand: the class name `save_pretrained` stores depends on the version of transformers.
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": True, **SPECIAL_TOKENS}
    (out / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    return load_tokenizer(out)


def _bert_pipeline(model: models.WordPiece) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def _learn_vocabulary(texts: list[str], vocab_size: int) -> dict[str, int]:
    """Train a throw-away tokenizer for its vocabulary.

    `WordPieceTrainer` numbers the alphabet's continuation pieces in the order of a randomised hash map, and
    breaks ties between equally frequent pairs by those numbers, so two runs learn two vocabularies. Handing
    it the continuation pieces as if they were special tokens fixes the numbers.
    """
    learner = _bert_pipeline(models.WordPiece(unk_token="[UNK]"))
    counts = Counter(character for text in texts for character in learner.normalizer.normalize_str(text))
    ranked = sorted(counts, key=lambda character: (-counts[character], character))
    alphabet = sorted([character for character in ranked if not character.isspace()][:MOST_CHARACTERS])
    fixed = [*SPECIAL_TOKENS.values(), *(CONTINUATION + character for character in alphabet)]
    needed = len(fixed) + len(alphabet)
    if not alphabet:
        raise InputError("tokenizer: the captions hold no text to train on; check the caption field")
    if vocab_size < needed:
        raise InputError(
            f"data.init_args.vocabulary: {vocab_size} cannot hold the alphabet; use at least {needed}"
        )
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        special_tokens=fixed,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        continuing_subword_prefix=CONTINUATION,
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    vocabulary: dict[str, int] = learner.get_vocab()
    return vocabulary


def tokenizer_fingerprint(tokenizer: PreTrainedTokenizerFast) -> str:
    """SHA-256 of everything that decides the ids of a text; truncation and padding in force do not count."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    state.update(truncation=None, padding=None)
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def encode_captions(
    tokenizer: PreTrainedTokenizerFast, captions: Sequence[str], batch: int = 4096
) -> tuple[np.ndarray, np.ndarray]:
    """Tokenise captions as [CLS] caption [SEP], without truncation or padding.

    Args:
        tokenizer: as `load_tokenizer` gives it.
        captions: N texts; each distinct one is tokenised once.
        batch: texts handed to the tokenizer at a time.

    Returns:
        All ids one caption after the other (int32), and offsets `[N + 1]` int64: caption i is
        `ids[offsets[i]:offsets[i + 1]]`.
    """
    unique = {caption: position for position, caption in enumerate(dict.fromkeys(captions))}
    texts = list(unique)
    encoded: list[np.ndarray] = []
    for start in range(0, len(texts), batch):
        ids = tokenizer(
            texts[start : start + batch],
            truncation=False,
            padding=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )["input_ids"]
        encoded.extend(np.array(caption, np.int32) for caption in ids)
    rows = [encoded[unique[caption]] for caption in captions]
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(row) for row in rows], out=offsets[1:])
    return np.concatenate([np.empty(0, np.int32), *rows]), offsets
