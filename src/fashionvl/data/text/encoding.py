"""Captions as token ids, and the fingerprint of what decides them."""

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from transformers import PreTrainedTokenizerFast


def tokenizer_fingerprint(tokenizer: PreTrainedTokenizerFast) -> str:
    """SHA-256 of everything that decides the ids of a text; truncation and padding in force do not count."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    state.update(truncation=None, padding=None)
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def encode_captions(
    tokenizer: PreTrainedTokenizerFast, captions: Sequence[str], batch: int = 4096
) -> tuple[np.ndarray, np.ndarray]:
    """Tokenise captions between the tokenizer's begin and end marks, without truncation or padding.

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
