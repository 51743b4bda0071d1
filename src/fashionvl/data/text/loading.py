"""Load any fast `transformers` tokenizer and make sure that captions can be framed and padded with it."""

import json
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from tokenizers import Tokenizer, processors
from transformers import AutoTokenizer, BertTokenizerFast, PreTrainedTokenizerFast

from fashionvl.errors import InputError
from fashionvl.files.packaged import is_packaged, packaged_file

log = logging.getLogger(__name__)

PROBE = "shirt"
"""A text whose ids show what a tokenizer writes around texts."""


def load_tokenizer(name_or_path: str | Path) -> PreTrainedTokenizerFast:
    """Load a fast tokenizer from the Hugging Face Hub or from a local folder.

    Captions are framed by a begin and an end mark and padded. A tokenizer without a pad token pads with its
    end mark (`eos_token`); one that writes no marks, such as GPT-2's, gets its `bos_token` and `eos_token`
    written around texts. Both are logged. A mask token is not asked for.

    Args:
        name_or_path: hub id such as `bert-base-uncased` (the paper's setting), `package:minilm` for the same
            vocabulary from an installed package, or a folder with a `tokenizer.json` or BERT's `vocab.txt`.

    Raises:
        InputError: there is no such tokenizer, the hub cannot be reached, the package is not installed, it is
            not fast, it has nothing to pad or to frame captions with, or its largest id is not below its
            size.
    """
    name = str(name_or_path)
    tokenizer = _read(str(packaged_file(name, "tokenizer").parent) if is_packaged(name) else name)
    if not tokenizer.is_fast:
        raise InputError(f"tokenizer {name}: it is not a fast tokenizer; choose one with a tokenizer.json")
    _ensure_padding(tokenizer, name)
    _ensure_frame(tokenizer, name)
    largest = max(tokenizer.get_vocab().values())
    if largest >= len(tokenizer):
        raise InputError(
            f"tokenizer {name}: it has {len(tokenizer)} tokens but ids up to {largest}; choose one whose ids "
            "have no gaps"
        )
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, out: Path, config: dict[str, Any]) -> None:
    """Write a folder that `load_tokenizer` and `AutoTokenizer` read.

    Args:
        tokenizer: of the library `tokenizers`.
        out: folder to write.
        config: further keys of `tokenizer_config.json`, the special tokens by name among them.
    """
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(out / "tokenizer.json"))
    # Written by hand: the class name `save_pretrained` stores depends on the version of transformers.
    content = {"tokenizer_class": "PreTrainedTokenizerFast", **config}
    (out / "tokenizer_config.json").write_text(json.dumps(content, indent=2) + "\n")


def frame_of(tokenizer: PreTrainedTokenizerFast) -> tuple[int, int] | None:
    """Ids of the first and last mark that a tokenizer writes around a text; None unless it writes both."""
    coded = tokenizer(PROBE, return_special_tokens_mask=True)
    ids, added = coded["input_ids"], coded["special_tokens_mask"]
    if len(ids) < 2 or not (added[0] and added[-1]):
        return None
    return int(ids[0]), int(ids[-1])


def special_ids(tokenizer: PreTrainedTokenizerFast) -> np.ndarray:
    """Ids that stand for no part of a caption, ascending `[S]` int64: special tokens, pad and marks."""
    return np.array(sorted({*tokenizer.all_special_ids, *(frame_of(tokenizer) or ())}), np.int64)


def require_bert_marks(
    tokenizer: PreTrainedTokenizerFast, name: str, keys: Collection[str], reader: str
) -> None:
    """Refuse a tokenizer without the special tokens that a task writes itself.

    Args:
        tokenizer: of the data.
        name: `data.init_args.tokenizer`.
        keys: some of `cls`, `sep`, `pad` and `mask`; the first two have to frame texts.
        reader: what needs them, for the message.

    Raises:
        InputError: one is absent, texts are framed otherwise, or [PAD] is [SEP], which ends a caption.
    """
    ids = {key: getattr(tokenizer, f"{key}_token_id") for key in keys}
    missing = [f"{key}_token" for key, value in ids.items() if value is None]
    advice = "choose a BERT-style tokenizer, such as bert-base-uncased or wordpiece"
    if missing:
        raise InputError(
            f"data.init_args.tokenizer: {name} has no {', '.join(missing)}, which {reader} needs; {advice}"
        )
    if frame_of(tokenizer) != (ids["cls"], ids["sep"]) or ids.get("pad") == ids["sep"]:
        raise InputError(
            f"data.init_args.tokenizer: {name} does not write captions as cls ... sep pad, which {reader} "
            f"needs; {advice}"
        )


def _read(name: str) -> PreTrainedTokenizerFast:
    folder = Path(name)
    readers = [AutoTokenizer]
    if (folder / "vocab.txt").is_file() and not (folder / "tokenizer.json").is_file():
        # BERT's oldest folders do not say of which class they are.
        readers.append(BertTokenizerFast)
    problems = []
    for reader in readers:
        try:
            return reader.from_pretrained(name)
        except Exception as error:  # the library `tokenizers` raises nothing narrower for a damaged file
            problems.append(error)
    raise InputError(f"tokenizer {name}: {_why_unreadable(folder, problems[0])}") from problems[0]


def _why_unreadable(folder: Path, error: Exception) -> str:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    if folder.is_dir():
        held = sorted(path.name for path in folder.iterdir())
        if "tokenizer.json" in held:
            return f"its tokenizer.json cannot be read ({reason}); {_remedy(folder / 'tokenizer.json')}"
        listed = f"only {', '.join(held[:5])}{' ...' if len(held) > 5 else ''}" if held else "nothing"
        return f"the folder has no tokenizer.json, {listed}; write one with save_pretrained"
    if folder.is_file():
        return "it is a file; pass the folder that it lies in"
    if isinstance(error, OSError):
        return (
            f"no such folder, and not found on the Hugging Face Hub ({reason}); pass a local folder or hub "
            "id, package:minilm for BERT's from an installed package, or wordpiece or words for a tokenizer "
            "made from the captions"
        )
    return f"it cannot be loaded ({reason}); choose one with a tokenizer.json"


def _remedy(file: Path) -> str:
    """Name the remedy for a `tokenizer.json` that cannot be read."""
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "the file is damaged: save the tokenizer again"
    return (
        "the file is sound JSON, so it may be of a newer release of `tokenizers` than "
        f"{tokenizers.__version__}: "
        "update that, or save the tokenizer again with this one"
    )


def _ensure_padding(tokenizer: PreTrainedTokenizerFast, name: str) -> None:
    if tokenizer.pad_token_id is not None:
        return
    if tokenizer.eos_token_id is None:
        raise InputError(
            f"tokenizer {name}: it has no pad token, and no eos token to pad with; name a pad_token in its "
            "tokenizer_config.json"
        )
    tokenizer.pad_token = tokenizer.eos_token
    log.warning("tokenizer %s: no pad token; captions are padded with %s", name, tokenizer.eos_token)


def _ensure_frame(tokenizer: PreTrainedTokenizerFast, name: str) -> None:
    if frame_of(tokenizer):
        return
    begin, end = tokenizer.bos_token or tokenizer.cls_token, tokenizer.eos_token or tokenizer.sep_token
    if begin is None or end is None:
        raise InputError(
            f"tokenizer {name}: it writes no begin and end mark around a text, and has no bos and eos tokens "
            "to write there; choose a tokenizer with both"
        )
    marks = {token: tokenizer.convert_tokens_to_ids(token) for token in (begin, end)}
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=[begin, "$A", end], special_tokens=list(marks.items())
    )
    log.warning("tokenizer %s: no marks around texts; captions are written as %s ... %s", name, begin, end)
