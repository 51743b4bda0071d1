"""Captioning: BLEU-4, METEOR, ROUGE-L and CIDEr of generated captions, and SumCAP (Kaleido-BERT Table 3).

Scorers and tokenizer are those of the COCO caption evaluation (Chen et al. 2015), as `pycocoevalcap` has
them; the paper names no tokenizer. Tokenizer (Penn Treebank) and METEOR are Java programs: without Java,
METEOR and SumCAP are left out and captions are tokenised simply.
"""

import logging
import os
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import torch
from pycocoevalcap.bleu.bleu_scorer import BleuScorer
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PUNCTUATIONS, PTBTokenizer
from torch import Tensor

from fashionvl.errors import InputError

log = logging.getLogger(__name__)

METRICS = ("bleu4", "meteor", "rouge_l", "cider")
"""Metrics that SumCAP adds up (Kaleido-BERT Table 3, caption)."""

METEOR_SECONDS = 300.0
"""Longest wait for METEOR, which takes seconds for 1,000 captions; after it the process is ended."""

NGRAMS = 4  # BLEU-4: matches of 1 to 4 words (Papineni et al. 2002)
LAST_LINE = "end"

JAVA_OPTIONS = "_JAVA_OPTIONS"
"""Variable whose options stand above those of `JAVA_TOOL_OPTIONS` and of the command line."""

ENGLISH = " ".join(f"-Duser.language{of}=en -Duser.country{of}=US" for of in ("", ".format", ".display"))

_DROPPED = frozenset(PUNCTUATIONS) | {'"'}
_BREAKS_LINES = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_WORD_OR_SIGN = re.compile(r"[^\W_]+|[^\w\s]|_")

Captions = dict[int, list[str]]
"""By number of the example its captions, each as tokens with blanks between; the form of `pycocoevalcap`."""


class _JavaError(RuntimeError):
    """A Java program cannot be had; the message says why."""


def one_line(text: str) -> str:
    """A text as the Java programs can read it, which take a caption a line and split it at `|||`.

    Control characters and every kind of line end become blanks.
    """
    plain = _BREAKS_LINES.sub(" ", text.encode("utf-8", "ignore").decode())
    return " ".join(plain.replace("|||", "| | |").split())


def simple_tokens(text: str) -> str:
    """Lower-cased words and signs with blanks between, split as BERT's basic tokenizer splits them.

    The punctuation that the COCO evaluation drops after its PTB tokenizer is dropped here too.
    """
    return " ".join(token for token in _WORD_OR_SIGN.findall(text.lower()) if token not in _DROPPED)


def score_captions(
    generated: Sequence[str], references: Sequence[Sequence[str]]
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Score N captions, each against the captions of its own product.

    An empty generated caption scores 0. ROUGE-L and CIDEr are means over captions. BLEU-4 and METEOR are not:
    they follow from counts over all captions. CIDEr weighs words by how many of the N products' references
    have them, so it is 0 for a single product.

    Args:
        generated: N captions, as text.
        references: of each, one or more, as text.

    Returns:
        Over all captions: `bleu4`, `meteor`, `rouge_l`, `cider`, `sum_cap`. Of each caption: the first four,
        `[N]` float64, and `bleu_counts` `[N, 10]` int64, whose sums over captions decide BLEU-4: matched
        1- to 4-grams, all 1- to 4-grams, words generated, words of the reference nearest in length. Scores
        are in percent; CIDEr, usually on a scale of 0 to 10, times 100 (Table 3). Without Java `meteor` and
        `sum_cap` are absent.

    Raises:
        InputError: There is no caption, one has no reference, or no reference has a word.
    """
    if not generated or len(generated) != len(references) or not all(references):
        raise InputError(
            f"references: {len(generated)} generated captions with references for "
            f"{sum(map(bool, references))}; every caption needs one, and there has to be a caption"
        )
    answers, truths, java = _tokenized(generated, references)
    if not any(text for texts in truths.values() for text in texts):
        raise InputError("references: none has a word; there is nothing to score captions against")
    bleu, counts = _bleu(truths, answers)
    found: dict[str, tuple[float, Any] | None] = {
        "bleu4": bleu,
        "meteor": _meteor(truths, answers) if java else None,
        "rouge_l": _rouge_l(truths, answers),
        "cider": Cider().compute_score(truths, answers),
    }
    known = {name: score for name, score in found.items() if score is not None}
    totals = {name: 100 * float(total) for name, (total, _) in known.items()}
    single = {name: 100 * np.asarray(each, np.float64) for name, (_, each) in known.items()}
    if len(totals) == len(METRICS):
        totals["sum_cap"] = sum(totals.values())
    return totals, {**single, "bleu_counts": counts}


def _tokenized(
    generated: Sequence[str], references: Sequence[Sequence[str]]
) -> tuple[Captions, Captions, bool]:
    """Generated captions and references as tokens, and whether Java made them."""
    texts = [one_line(text) for text in (*generated, *(text for texts in references for text in texts))]
    java = True
    try:
        found = _ptb_tokens(texts)
    except _JavaError as error:
        log.warning(
            "captioning: %s; METEOR and SumCAP are left out, and captions are tokenised simply", error
        )
        found, java = [simple_tokens(text) for text in texts], False
    tokens = iter(found)
    answers = {number: [next(tokens)] for number in range(len(generated))}
    truths = {number: [next(tokens) for _ in own] for number, own in enumerate(references)}
    return answers, truths, java


def _ptb_tokens(texts: list[str]) -> list[str]:
    """The texts by the PTB tokenizer."""
    if shutil.which("java") is None:
        raise _JavaError("there is no Java")
    # A known last line shows that no line was lost or split.
    lines = {number: [{"caption": text}] for number, text in enumerate([*texts, LAST_LINE])}
    try:
        with _english_java():
            found = PTBTokenizer().tokenize(lines)
    except OSError as error:
        raise _JavaError(f"the PTB tokenizer cannot run ({error})") from error
    if found.get(len(texts)) != [LAST_LINE]:
        raise _JavaError("the PTB tokenizer gave no answer")
    return [found[number][0] for number in range(len(texts))]


@contextmanager
def _english_java() -> Iterator[None]:
    """Start Java programs in English, whatever the user's language.

    METEOR would write decimal commas in others, and the tokenizer lower-case an I by the rules of Turkish.
    """
    before = os.environ.get(JAVA_OPTIONS)
    os.environ[JAVA_OPTIONS] = f"{before or ''} {ENGLISH}".strip()
    try:
        yield
    finally:
        if before is None:
            del os.environ[JAVA_OPTIONS]
        else:
            os.environ[JAVA_OPTIONS] = before


def _bleu(truths: Captions, answers: Captions) -> tuple[tuple[float, list[float]], np.ndarray]:
    scorer = BleuScorer(n=NGRAMS)
    for number, (answer,) in answers.items():
        scorer += (answer, truths[number])
    totals, each = scorer.compute_score(option="closest")
    counts = [
        # The nearest length, of two as near the shorter, as the scorer itself chooses.
        [
            *own["correct"],
            *own["guess"],
            length,
            min((abs(other - length), other) for other in own["reflen"])[1],
        ]
        for own in scorer.ctest
        for length in [own["testlen"]]
    ]
    return (totals[-1], each[-1]), np.array(counts, np.int64)


def _rouge_l(truths: Captions, answers: Captions) -> tuple[float, np.ndarray]:
    _, each = Rouge().compute_score(truths, answers)
    # The scorer takes an empty text for a word: an empty caption would match an empty reference.
    each = np.where([bool(answer) for (answer,) in answers.values()], each, 0.0)
    return float(each.mean()), each


def _meteor(truths: Captions, answers: Captions) -> tuple[float, list[float]] | None:
    """Compute METEOR, or None when its process gives no answer; the process is ended in any case."""
    with _english_java():
        scorer = Meteor()
    watchdog = threading.Timer(METEOR_SECONDS, scorer.meteor_p.kill)
    watchdog.start()
    try:
        total, each = scorer.compute_score(truths, answers)
    except (OSError, ValueError) as error:
        log.warning(
            "captioning: METEOR's Java process gave no answer that can be used (%s); METEOR and SumCAP are "
            "left out",
            " ".join(str(error).split()) or type(error).__name__,
        )
        return None
    finally:
        watchdog.cancel()
        _end(scorer)
    return total, each


def _end(scorer: Meteor) -> None:
    """End METEOR's process now; its destructor would wait for ever for a lock that an error left taken."""
    if scorer.lock.locked():
        scorer.lock.release()
    scorer.meteor_p.kill()
    scorer.meteor_p.wait()
    for pipe in (scorer.meteor_p.stdin, scorer.meteor_p.stdout, scorer.meteor_p.stderr):
        with suppress(OSError):
            pipe.close()


class CaptionScores:
    """Collects generated captions with their references, over processes, and scores them together."""

    def __init__(self) -> None:
        self._captions: dict[int, tuple[str, tuple[str, ...]]] = {}
        self._scored: tuple[dict[str, float], dict[str, np.ndarray]] | None = None

    def update(self, generated: Sequence[str], references: Sequence[Sequence[str]], ids: Tensor) -> None:
        """Add B captions.

        Args:
            generated: B captions, as text; empty ones are legal.
            references: of each, one or more.
            ids: `[B]` int64, >= 0. A caption seen twice is counted once.

        Raises:
            InputError: The lengths differ, or an id is negative.
        """
        if not len(generated) == len(references) == len(ids) or bool((ids < 0).any()):
            raise InputError(
                f"ids: {len(ids)} for {len(generated)} captions with {len(references)} lists of references; "
                "use as many of each, ids >= 0"
            )
        for number, text, truths in zip(ids.tolist(), generated, references, strict=True):
            self._captions[number] = (text, tuple(truths))
        self._scored = None

    def compute(self) -> dict[str, float]:
        """Scores over all captions of all processes, in percent, as `score_captions`; and `n` captions."""
        totals, single = self._all()
        return {**totals, "n": len(single["id"])}

    def per_query(self) -> dict[str, np.ndarray]:
        """Return each caption's `id`, ascending, and its scores as `score_captions` computes them."""
        return self._all()[1]

    def _all(self) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """Score all captions once, on the first process; every process has to call it."""
        if self._scored is None:
            self._scored = self._on_first(self._gathered())
        return self._scored

    def _gathered(self) -> dict[int, tuple[str, tuple[str, ...]]]:
        """Gather the captions of all processes, by ascending id."""
        parts: list[Any] = [self._captions]
        if torch.distributed.is_initialized():
            parts *= torch.distributed.get_world_size()
            torch.distributed.all_gather_object(parts, self._captions)
        found = {number: caption for part in reversed(parts) for number, caption in part.items()}
        if not found:
            raise InputError("CaptionScores: nothing was evaluated; the test set has no example")
        return dict(sorted(found.items()))

    @staticmethod
    def _on_first(
        captions: dict[int, tuple[str, tuple[str, ...]]],
    ) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """Score on the first process, which alone runs Java, and send the scores to the others."""
        distributed = torch.distributed.is_initialized()
        found: list[Any] = [None]
        if not distributed or torch.distributed.get_rank() == 0:
            totals, single = score_captions(*zip(*captions.values(), strict=True))
            found = [(totals, {"id": np.array(list(captions), np.int64), **single})]
        if distributed:
            torch.distributed.broadcast_object_list(found)
        scored: tuple[dict[str, float], dict[str, np.ndarray]] = found[0]
        return scored
