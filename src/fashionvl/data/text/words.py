"""A vocabulary of whole words, as VSE++ and SCAN build it from their captions."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from fashionvl.data.text.loading import load_tokenizer, save_tokenizer
from fashionvl.errors import InputError

SPECIAL_TOKENS = {
    "pad_token": "<pad>",
    "bos_token": "<start>",
    "eos_token": "<end>",
    "unk_token": "<unk>",
}
"""Special tokens of VSE++ (`vocab.py`), with the ids 0 to 3 in this order. None is a mask token."""

SIGNS = r"""()\[\]{}<>;@#$%&?!*"`“”„«»""" + "\u2018\u2019"
"""Signs that are always words of their own, inside a character class."""

CLITIC = r"(?:n't|'(?:s|m|d|ll|re|ve))(?!\w)"
"""Endings that the Penn Treebank splits off: "men's" is men + 's, "don't" is do + n't."""

FULL_STOP = r"""\.(?=[\])}>"'»”\u2019]*(?:\s|\z))"""
"""A point that ends a sentence or abbreviation, possibly before closing signs."""

WORD = rf"(?:(?![{SIGNS}\s]|[,:](?!\d)|\.\.|--|{FULL_STOP}|'(?!\w)|{CLITIC}).)+"
"""A run without any of these; hyphens, slashes and decimal points stay inside."""

PATTERN = rf"\.{{2,}}|--|{CLITIC}|'|{WORD}|\S"
"""One word, in lower case."""


def build_words(captions: Iterable[str], out: Path, min_count: int = 4) -> PreTrainedTokenizerFast:
    """Collect the words of captions in a word-level tokenizer and save it.

    The rules are those of VSE++ (Faghri et al. 2018) and SCAN (Lee et al. 2018), which share them: lower
    case, words seen at least `min_count` times, a caption is <start> words <end>, other words are <unk>.
    Ids from 4 follow count, then spelling, where the originals' order is arbitrary. The same captions give
    the same files, byte for byte.

    The originals split captions with NLTK's `word_tokenize`. The pattern here follows its Penn Treebank
    rules (`NLTKWordTokenizer`) and differs in these points: every point before a blank ends a word, where
    NLTK's sentence splitter knows abbreviations ("approx."); double quotes keep their form, and two
    apostrophes are two words; "cannot", "gonna" and the like stay whole.

    Args:
        captions: training texts; each counts once, so that a caption is to be given once, however many
            photographs it has.
        out: folder to write; `load_tokenizer` and `AutoTokenizer` read it.
        min_count: a word's least number of occurrences; 4 in the originals.

    Raises:
        InputError: `min_count` is below 1, or no word occurs that often.
    """
    words = find_words(captions, min_count)
    specials = list(SPECIAL_TOKENS.values())
    vocabulary = {word: number for number, word in enumerate([*specials, *words])}
    tokenizer = _pipeline(models.WordLevel(vocabulary, unk_token=SPECIAL_TOKENS["unk_token"]))
    tokenizer.add_special_tokens(specials)
    start, end = SPECIAL_TOKENS["bos_token"], SPECIAL_TOKENS["eos_token"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=[start, "$A", end], special_tokens=[(token, vocabulary[token]) for token in (start, end)]
    )
    save_tokenizer(tokenizer, out, SPECIAL_TOKENS)
    return load_tokenizer(out)


def find_words(captions: Iterable[str], min_count: int) -> list[str]:
    """The words that occur at least `min_count` times, by falling count, then spelling.

    Raises:
        InputError: as `build_words`.
    """
    if min_count < 1:
        raise InputError(f"data.init_args.min_count: {min_count}; at least 1")
    pipeline = _pipeline(models.WordLevel({}, unk_token=SPECIAL_TOKENS["unk_token"]))
    counts = count_words(captions, pipeline)
    words = sorted((word for word in counts if counts[word] >= min_count), key=lambda w: (-counts[w], w))
    if not words:
        raise InputError(
            f"data.init_args.min_count: {min_count}, but no word of the captions occurs more than "
            f"{max(counts.values(), default=0)} times; check the caption field or lower it"
        )
    return words


def count_words(captions: Iterable[str], pipeline: Tokenizer) -> Counter[str]:
    """Occurrences of every word."""
    normalizer, splitter = pipeline.normalizer, pipeline.pre_tokenizer
    counts: Counter[str] = Counter()
    for caption in captions:
        pieces = splitter.pre_tokenize_str(normalizer.normalize_str(caption))
        counts.update(word for word, _ in pieces)
    return counts


def _pipeline(model: models.WordLevel) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PATTERN), "removed", invert=True)
    return tokenizer
