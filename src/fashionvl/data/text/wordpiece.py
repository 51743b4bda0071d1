"""A WordPiece tokenizer trained on the captions."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from fashionvl.data.text.loading import load_tokenizer, save_tokenizer
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

LONGEST_WORD = 100
"""Longer words are [UNK] in WordPiece, by BERT's `max_input_chars_per_word`; nothing is learnt from them."""


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
    save_tokenizer(tokenizer, out, {"do_lower_case": True, **SPECIAL_TOKENS})
    return load_tokenizer(out)


def _bert_pipeline(model: models.WordPiece) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def find_alphabet(texts: Iterable[str], vocab_size: int) -> list[str]:
    """The characters that a vocabulary begins with, sorted.

    Raises:
        InputError: as `train_wordpiece`.
    """
    normalizer = _bert_pipeline(models.WordPiece(unk_token="[UNK]")).normalizer
    counts = Counter(character for text in texts for character in normalizer.normalize_str(text))
    ranked = sorted(counts, key=lambda character: (-counts[character], character))
    alphabet = sorted([character for character in ranked if not character.isspace()][:MOST_CHARACTERS])
    needed = len(SPECIAL_TOKENS) + 2 * len(alphabet)
    if not alphabet:
        raise InputError("tokenizer: the captions hold no text to train on; check the caption field")
    if vocab_size < needed:
        raise InputError(
            f"data.init_args.vocabulary: {vocab_size} cannot hold the alphabet; use at least {needed}"
        )
    return alphabet


def _without_endless(text: str, pipeline: Tokenizer) -> str:
    """A text without words of more than `LONGEST_WORD` characters; one that has none as it is.

    Training takes time quadratic in the length of a word: minutes for one of 200,000 characters.
    """
    if max(map(len, text.split()), default=0) <= LONGEST_WORD:
        return text
    pieces = pipeline.pre_tokenizer.pre_tokenize_str(pipeline.normalizer.normalize_str(text))
    return " ".join(word for word, _ in pieces if len(word) <= LONGEST_WORD)


def _learn_vocabulary(texts: list[str], vocab_size: int) -> dict[str, int]:
    """Train a throw-away tokenizer for its vocabulary.

    `WordPieceTrainer` numbers the alphabet's continuation pieces in the order of a randomised hash map, and
    breaks ties between equally frequent pairs by those numbers, so two runs learn two vocabularies. Handing
    it the continuation pieces as if they were special tokens fixes the numbers.
    """
    alphabet = find_alphabet(texts, vocab_size)
    learner = _bert_pipeline(models.WordPiece(unk_token="[UNK]"))
    fixed = [*SPECIAL_TOKENS.values(), *(CONTINUATION + character for character in alphabet)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        special_tokens=fixed,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        continuing_subword_prefix=CONTINUATION,
        show_progress=False,
    )
    learner.train_from_iterator([_without_endless(text, learner) for text in texts], trainer)
    vocabulary: dict[str, int] = learner.get_vocab()
    return vocabulary
