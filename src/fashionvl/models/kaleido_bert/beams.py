"""Beam search over the attention decoder, keeping where each word was looked for."""

from dataclasses import dataclass

import torch
from torch import Tensor

from fashionvl.models.kaleido_bert.decoder import Annotations, AttentionDecoder, State


@dataclass(frozen=True)
class Specials:
    """Ids of the tokens that frame a caption."""

    cls: int
    sep: int
    pad: int


@dataclass
class Description:
    """Generated captions of B photographs.

    Attributes:
        tokens: `[B, T]` int64; the caption and its [SEP], without [CLS], padded.
        attention: `[B, T, g, g]`; sums to one over the grid at each token, zero on padding.
        log_probability: `[B]`, of the whole caption.
    """

    tokens: Tensor
    attention: Tensor
    log_probability: Tensor


def search(
    decoder: AttentionDecoder,
    annotations: Annotations,
    state: State,
    specials: Specials,
    steps: int,
    beams: int,
) -> Description:
    """The most probable caption that a search over `beams` unfinished ones a photograph finds.

    Probabilities are not divided by the length. One beam is greedy decoding.

    Args:
        decoder: what gives the next word's probability.
        annotations: of B photographs.
        state: first state of B photographs.
        specials: ids.
        steps: most tokens, [SEP] included; a caption that has not ended by then is cut.
        beams: K.
    """
    size, cells = annotations.vectors.shape[:2]
    device = annotations.vectors.device
    annotations = Annotations(*(_spread(part, beams) for part in annotations))
    state = State(*(_spread(part, beams) for part in state))
    words = torch.full((size * beams,), specials.cls, device=device)
    tokens = torch.full((size * beams, steps), specials.pad, device=device)
    maps = torch.zeros(size * beams, steps, cells, device=device)
    # All beams of a photograph start alike, so only the first may go on.
    scores = torch.full((size, beams), -torch.inf, device=device)
    scores[:, 0] = 0.0
    ended = torch.zeros(size * beams, dtype=torch.bool, device=device)
    for step in range(steps):
        embedded = decoder.word(words)
        state, context, attention = decoder.step(annotations, state, embedded)
        gains = _gains(decoder.logits(embedded, state.h, context), ended, specials)
        ranked = (scores[:, :, None] + gains.view(size, beams, -1)).flatten(1)
        scores, chosen = ranked.topk(beams, dim=1)
        vocabulary = gains.shape[-1]
        parents = (chosen // vocabulary + torch.arange(size, device=device)[:, None] * beams).flatten()
        words = (chosen % vocabulary).flatten()
        state = State(state.h[parents], state.c[parents])
        tokens, maps, ended = tokens[parents], maps[parents], ended[parents]
        tokens[:, step] = words
        maps[:, step] = attention[parents] * ~ended[:, None]
        ended = ended | (words == specials.sep)
        if ended.all():
            break
    best = torch.arange(size, device=device) * beams
    side = int(cells**0.5)
    return Description(tokens[best], maps[best].unflatten(-1, (side, side)), scores[:, 0])


def _spread(values: Tensor, beams: int) -> Tensor:
    return values.repeat_interleave(beams, 0)


def _gains(logits: Tensor, ended: Tensor, specials: Specials) -> Tensor:
    """Log-probability of each next word; an ended caption is continued by [PAD] alone, at no cost."""
    logits = logits.float()
    logits[:, [specials.cls, specials.pad]] = -torch.inf
    gains = logits.log_softmax(-1)
    gains[ended] = -torch.inf
    gains[ended, specials.pad] = 0.0
    return gains
