"""Two models that fashionvl has never heard of, named by class path alone."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fashionvl.data.records import Embedding, Images, Pairs, Patches, Texts
from fashionvl.models.protocols import Need


class ToyDual(nn.Module):
    """Embeds photographs by their mean colours over a 4 x 4 grid, captions by the mean of their words."""

    def __init__(self, vocab_size: int = 300, max_tokens: int = 24, width: int = 16) -> None:
        super().__init__()
        self.vocab_size, self.max_tokens = vocab_size, max_tokens
        self.image = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, width))
        self.words = nn.Embedding(vocab_size, width)
        self.embedded = {"images": 0, "texts": 0}

    def embed_image(self, images: Images) -> Embedding:
        assert not isinstance(images, Patches)
        self.embedded["images"] += len(images)
        return Embedding(nn.functional.normalize(self.image(images.pixel_values), dim=1))

    def embed_text(self, texts: Texts) -> Embedding:
        self.embedded["texts"] += len(texts)
        said = self.words(texts.input_ids) * texts.attention_mask[..., None]
        return Embedding(nn.functional.normalize(said.sum(1) / texts.lengths[:, None], dim=1))

    def similarity(self, images: Embedding, texts: Embedding) -> Tensor:
        return images.values @ texts.values.T


class ToyLate(ToyDual):
    """Compares every word with the photograph, and keeps the best: no dot product, and as many as words."""

    def embed_text(self, texts: Texts) -> Embedding:
        return Embedding(self.words(texts.input_ids), texts.attention_mask.bool())

    def similarity(self, images: Embedding, texts: Embedding) -> Tensor:
        assert texts.mask is not None
        scores = torch.einsum("id,twd->itw", images.values, texts.values)
        return scores.masked_fill(~texts.mask, -torch.inf).amax(2)


@dataclass
class ToyStates:
    """Last states of pairs."""

    pooled: Tensor
    text: Tensor


class ToyCross(nn.Module):
    """Adds the photograph to every word."""

    def __init__(self, vocab_size: int = 300, max_tokens: int = 24, width: int = 16) -> None:
        super().__init__()
        self.vocab_size, self.max_tokens = vocab_size, max_tokens
        self.image = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, width))
        self.words = nn.Embedding(vocab_size, width)
        self.mix = nn.Sequential(nn.Linear(2 * width, width), nn.Tanh())
        self.matching, self.language = nn.Linear(width, 2), nn.Linear(width, vocab_size)

    def encode_pairs(self, batch: Pairs, need: Need) -> ToyStates:
        words = self.words(batch.input_ids)
        seen = self.image(batch.pixel_values)[:, None].expand_as(words)
        text = self.mix(torch.cat([words, seen], dim=2))
        kept = batch.attention_mask[..., None]
        return ToyStates((text * kept).sum(1) / kept.sum(1), text)

    def itm_logits(self, pooled: Tensor) -> Tensor:
        return self.matching(pooled)

    def mlm_logits(self, states: Tensor) -> Tensor:
        return self.language(states)

    def match(self, batch: Pairs) -> Tensor:
        mismatched, matched = self.itm_logits(self.encode_pairs(batch, "pooled").pooled).unbind(-1)
        return matched - mismatched
