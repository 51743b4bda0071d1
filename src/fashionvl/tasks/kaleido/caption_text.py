"""Generated tokens back to text, as a reader or a scorer expects it."""

import re

from torch import Tensor
from transformers import PreTrainedTokenizerFast

from fashionvl.data.text.wordpiece import CONTINUATION

_PIECE = re.compile(rf"(^| ){CONTINUATION}")
_JOINING = re.compile(r"(?<=\w) ([-'\u2019/]) (?=\w)")
_POINT = re.compile(r"(?<=\d) ([.,]) (?=\d)")
_CLOSING = re.compile(r" ([.,;:!?)])")
_OPENING = re.compile(r"\( ")


def caption_texts(tokenizer: PreTrainedTokenizerFast, tokens: Tensor) -> list[str]:
    """The captions that rows of token ids stand for.

    Pieces are joined to words and special tokens dropped. A BERT tokenizer splits at every punctuation mark
    and forgets where blanks were; the captions that generated ones are scored against were never split, so
    "low - top" would miss their "low-top". Signs are put back where text has them: hyphens, apostrophes and
    slashes join the words around them, points and commas join digits and follow words at once.

    Args:
        tokenizer: that gave the network its ids.
        tokens: `[B, T]` int64.

    Returns:
        B texts; empty where a row holds special tokens only.
    """
    texts = tokenizer.batch_decode(
        tokens.tolist(), skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    # Of a tokenizer that says nothing of decoding, such as a trained one, the pieces come apart.
    return [_as_written(_PIECE.sub("", text)) for text in texts]


def _as_written(text: str) -> str:
    text = _POINT.sub(r"\1", _JOINING.sub(r"\1", text))
    return _OPENING.sub("(", _CLOSING.sub(r"\1", text)).strip()
