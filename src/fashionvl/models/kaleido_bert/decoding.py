"""Captions written by Kaleido-BERT: all words at once in place of [MASK], or one word after the other.

The paper's model is an encoder, and captioning is in neither the paper's method nor the released code. Asked
how it is done, the author answers: encoder only, "[Mask] all then predict them" (issues 6 and 8 of the
original's repository). That is `write_masked`; `write_causal` is what decoders do, for comparison.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from fashionvl.data.records import Patches
from fashionvl.errors import InputError
from fashionvl.models.blocks.transformer import Cache
from fashionvl.models.kaleido_bert.beams import Specials
from fashionvl.models.kaleido_bert.model import KaleidoBERT


@dataclass(frozen=True)
class Marks(Specials):
    """Ids of the tokens that are no words."""

    mask: int


@dataclass(frozen=True)
class MaskedDecoding:
    """Settings for filling [MASK] with words.

    Attributes:
        order: `parallel`: all in one pass, as the author says. `left_to_right`: one a pass, each in sight of
            those before it. `mask_predict`: as parallel, then the least certain words are masked and
            predicted again, fewer in every pass (Ghazvininejad et al. 2019); the length stays that of the
            first pass.
        passes: of `mask_predict`, the first included; T, 4 or 10 there.

    Raises:
        InputError: there is no pass.
    """

    order: Literal["parallel", "left_to_right", "mask_predict"] = "parallel"
    passes: int = 4

    def __post_init__(self) -> None:
        if self.passes < 1:
            raise InputError(f"model.init_args.masked.passes: {self.passes} must be at least 1")


@dataclass(frozen=True)
class CausalDecoding:
    """Settings for choosing the next word.

    Attributes:
        beams: unfinished captions kept; 1 is greedy. Probabilities are not divided by the length.

    Raises:
        InputError: there is no beam.
    """

    beams: int = 1

    def __post_init__(self) -> None:
        if self.beams < 1:
            raise InputError(f"model.init_args.causal.beams: {self.beams} must be at least 1")


@dataclass
class Written:
    """Captions of B photographs.

    Attributes:
        tokens: `[B, T]` int64; the caption and its [SEP], without [CLS], padded. No [SEP]: it was cut.
        log_probability: `[B]` float32, summed over these tokens as each was chosen.
    """

    tokens: Tensor
    log_probability: Tensor


@torch.no_grad()
def write_masked(
    network: KaleidoBERT, patches: Patches, marks: Marks, length: int, decoding: MaskedDecoding
) -> Written:
    """Captions by a network that was trained to predict hidden words.

    The length is unknown, so that every place up to the longest caption is a [MASK] to begin with; a
    predicted [SEP] ends the caption, and what comes behind it is dropped.

    Args:
        network: in eval mode.
        patches: of B photographs.
        marks: ids.
        length: most tokens, [CLS] and [SEP] included; what the network was trained with.
        decoding: order.
    """
    canvas = torch.full((len(patches), length), marks.mask, device=patches.boxes.device)
    canvas[:, 0] = marks.cls
    if decoding.order == "left_to_right":
        words, scores = _fill_in_order(network, patches, marks, canvas)
    else:
        words, scores = _predict(network, patches, marks, canvas)
        passes = decoding.passes if decoding.order == "mask_predict" else 1
        words, scores = _refine(network, patches, marks, canvas, words, scores, passes)
    behind = _behind_end(words, marks)
    return Written(words.masked_fill(behind, marks.pad), scores.masked_fill(behind, 0).sum(1))


def _predict(
    network: KaleidoBERT, patches: Patches, marks: Marks, canvas: Tensor, ends: bool = True
) -> tuple[Tensor, Tensor]:
    """The likeliest token at each place behind [CLS] and its log-probability, `[B, L - 1]` each."""
    states = network.encode(canvas, torch.ones_like(canvas), patches).text[:, 1:]
    gains = _log_probabilities(network.mlm_logits(states), marks, ends)
    scores, words = gains.max(-1)
    return words, scores


def _log_probabilities(logits: Tensor, marks: Marks, ends: bool = True) -> Tensor:
    """Over what a caption can hold: words, and [SEP] where it may end."""
    barred = [marks.cls, marks.pad, marks.mask, *([] if ends else [marks.sep])]
    never = torch.tensor(barred, device=logits.device)
    return logits.float().index_fill(-1, never, -torch.inf).log_softmax(-1)


def _behind_end(words: Tensor, marks: Marks) -> Tensor:
    """True behind the first [SEP] of each row."""
    ends = (words == marks.sep).long()
    return ends.cumsum(1) - ends > 0


def _refine(
    network: KaleidoBERT,
    patches: Patches,
    marks: Marks,
    canvas: Tensor,
    words: Tensor,
    scores: Tensor,
    passes: int,
) -> tuple[Tensor, Tensor]:
    """Mask the n (T - t) / T least certain of n words in pass t of T and predict them again."""
    behind = _behind_end(words, marks)
    inside = ~behind & (words != marks.sep)
    for done in range(1, passes):
        count = inside.sum(1) * (passes - done) // passes
        ranks = scores.masked_fill(~inside, torch.inf).argsort(1).argsort(1)
        again = ranks < count[:, None]
        canvas[:, 1:] = words.masked_fill(behind | again, marks.mask)
        found, certainty = _predict(network, patches, marks, canvas, ends=False)
        words, scores = torch.where(again, found, words), torch.where(again, certainty, scores)
    return words, scores


def _fill_in_order(
    network: KaleidoBERT, patches: Patches, marks: Marks, canvas: Tensor
) -> tuple[Tensor, Tensor]:
    """Replace one [MASK] after the other; the rest stay, so that nothing can be kept from pass to pass."""
    scores = torch.zeros(len(canvas), canvas.shape[1] - 1, device=canvas.device)
    ended = torch.zeros(len(canvas), dtype=torch.bool, device=canvas.device)
    for place in range(1, canvas.shape[1]):
        text = network.encode(canvas, torch.ones_like(canvas), patches).text
        gains = _log_probabilities(network.mlm_logits(text[:, place]), marks)
        scores[:, place - 1], found = gains.max(-1)
        canvas[:, place] = found.masked_fill(ended, marks.mask)
        ended |= found == marks.sep
        if ended.all():
            break
    return canvas[:, 1:], scores


@torch.no_grad()
def write_causal(
    network: KaleidoBERT, patches: Patches, marks: Marks, length: int, decoding: CausalDecoding
) -> Written:
    """Captions by a network that was trained to predict the next word.

    Patches read no text, so that they are encoded once; keys and values of all earlier tokens are kept. The
    caption returned is the most probable that the search found.

    Args:
        network: in eval mode.
        patches: of B photographs.
        marks: ids.
        length: most tokens, [CLS] and [SEP] included; a caption that has not ended by then is cut.
        decoding: beams, K.
    """
    size, beams, device = len(patches), decoding.beams, patches.boxes.device
    cache = _rows(network.read_patches(patches), torch.arange(size, device=device).repeat_interleave(beams))
    words = torch.full((size * beams,), marks.cls, device=device)
    tokens = torch.full((size * beams, length - 1), marks.pad, device=device)
    ended = torch.zeros(size * beams, dtype=torch.bool, device=device)
    # All beams of a photograph start alike, so only the first may go on.
    scores = torch.full((size, beams), -torch.inf, device=device)
    scores[:, 0] = 0.0
    first = torch.arange(size, device=device) * beams
    for step in range(length - 1):
        states, cache = network.read_text(words[:, None], cache)
        gains = _log_probabilities(network.mlm_logits(states[:, 0]), marks)
        # An ended caption is continued by [PAD] alone, at no cost.
        gains[ended] = -torch.inf
        gains[ended, marks.pad] = 0.0
        vocabulary = gains.shape[1]
        scores, chosen = (scores[:, :, None] + gains.view(size, beams, -1)).flatten(1).topk(beams)
        parents = (first[:, None] + chosen // vocabulary).flatten()
        words = (chosen % vocabulary).flatten()
        tokens, ended = tokens[parents], ended[parents] | (words == marks.sep)
        tokens[:, step] = words
        # Scores only fall and are in order: nothing overtakes a first beam that has ended.
        if ended[first].all():
            break
        cache = _rows(cache, parents) if beams > 1 else cache
    return Written(tokens[first], scores[:, 0])


def _rows(cache: Cache, rows: Tensor) -> Cache:
    return [(key[rows], value[rows]) for key, value in cache]
