"""Protocols that models fulfil: tasks, tests and cost counting ask for these and name no concrete model."""

from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from torch import Tensor, nn
from typing_extensions import get_protocol_members

from fashionvl.data.records import Embedding, Images, Pairs, Texts
from fashionvl.errors import InputError
from fashionvl.patches.grid import KaleidoGrid

Need = Literal["all", "text", "pooled"]
"""Last states that a caller reads: all, those of the text, or the pooled one alone. More may be given."""


@runtime_checkable
class ScoresPairs(Protocol):
    """A cross-encoder: one forward pass a pair."""

    def match(self, batch: Pairs) -> Tensor:
        """Return `[B]` logits, higher for a better match."""


@runtime_checkable
class ScoresLogOdds(Protocol):
    """A cross-encoder whose scores may be log-odds: their sigmoid is then the probability of a match."""

    @property
    def match_is_log_odds(self) -> bool:
        """Return whether `match` returns log-odds."""


@runtime_checkable
class Embeds(Protocol):
    """A dual encoder: one forward pass an image and one a text.

    Training and retrieval read the same `similarity`, which need not be a dot product.
    """

    def embed_image(self, images: Images) -> Embedding:
        """Embed B images."""

    def embed_text(self, texts: Texts) -> Embedding:
        """Embed B texts."""

    def similarity(self, images: Embedding, texts: Embedding) -> Tensor:
        """Return `[I, T]` scores of every image with every text, higher for a better match."""


class EncodedPairs(Protocol):
    """Last states of B pairs."""

    @property
    def pooled(self) -> Tensor:
        """`[B, H]`: what matching and recognition read."""

    @property
    def text(self) -> Tensor:
        """`[B, L, H]`; of fewer tokens where no more was needed."""


@runtime_checkable
class MaskedEncoder(Protocol):
    """A cross-encoder with the heads of masked pre-training."""

    def encode_pairs(self, batch: Pairs, need: Need) -> EncodedPairs:
        """Encode B pairs; what is not needed may be left out."""

    def itm_logits(self, pooled: Tensor) -> Tensor:
        """Return `[M, 2]` logits (mismatched, matched) of pooled states `[M, H]`, or `[M, 1]` of matched."""

    def mlm_logits(self, states: Tensor) -> Tensor:
        """Return `[M, V]` logits of token states `[M, H]`."""


class EncodedMaps(EncodedPairs, Protocol):
    """Last states of B pairs, and what a decoder paints from."""

    @property
    def visual(self) -> list[Tensor]:
        """Feature maps `[B, D_k, H_k, W_k]` of every stage."""


@runtime_checkable
class Reconstructs(Protocol):
    """A masked encoder that paints photographs from its feature maps.

    Attributes:
        decoder: what paints; it rests in steps without reconstruction.
    """

    decoder: nn.Module

    def encode_pairs(self, batch: Pairs, need: Need) -> EncodedMaps:
        """Encode B pairs; feature maps are whole where `all` is needed."""

    def reconstruct(self, visual: list[Tensor], size: tuple[int, int]) -> Tensor:
        """Decode feature maps to images `[B, 3, *size]`."""


@runtime_checkable
class ReadsTokens(Protocol):
    """A network with word embeddings.

    Attributes:
        vocab_size: ids it has embeddings for, 0 .. vocab_size - 1.
        max_tokens: longest text it reads.
    """

    vocab_size: int
    max_tokens: int


@runtime_checkable
class ReadsPatches(Protocol):
    """A network that sees photographs as kaleido patches.

    Attributes:
        grid: of the patches.
        patch_width: numbers of a patch feature.
    """

    grid: KaleidoGrid
    patch_width: int


@runtime_checkable
class Recognises(Protocol):
    """A network with recognition heads.

    Attributes:
        categories: outputs of the main-category head.
        subcategories: outputs of the sub-category head.
    """

    categories: int
    subcategories: int

    def recognise(self, batch: Pairs) -> tuple[Tensor, Tensor]:
        """Return logits `[B, categories]` and `[B, subcategories]`."""


@runtime_checkable
class RecognisesImages(Protocol):
    """A network that recognises a photograph without its caption."""

    def recognise_image(self, images: Images, first: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits `[B, categories]` and `[B, subcategories]` of B photographs.

        `first [B]` int64 is the token that every text begins with, [CLS]: all that is read of it.
        """


@runtime_checkable
class RecognisesTexts(Protocol):
    """A network that recognises a caption without its photograph."""

    def recognise_text(self, texts: Texts) -> tuple[Tensor, Tensor]:
        """Return logits `[B, categories]` and `[B, subcategories]` of B captions."""


@runtime_checkable
class Widens(Protocol):
    """A network whose recognition heads grow with the names of a catalogue."""

    def widen_recognition(self, categories: int, subcategories: int) -> None:
        """Give the heads at least so many outputs; those there are keep their weights."""


@runtime_checkable
class HasHeads(Protocol):
    """A network of whose heads a task trains some."""

    def heads(self) -> dict[str, nn.Module]:
        """Return every head by what it answers."""


@runtime_checkable
class HasWidth(Protocol):
    """A network that reports the largest activation of a pair."""

    def widest(self, tokens: int) -> int:
        """Return the numbers in the largest activation of one pair whose caption has so many tokens."""


@runtime_checkable
class Loadable(Protocol):
    """A network that reads checkpoints published by its authors."""

    def load_released(self, path: Path) -> Any:
        """Fill the network from a released checkpoint."""


def missing(network: object, protocol: type) -> list[str]:
    """Return the members of a protocol that an object lacks, sorted."""
    return sorted(name for name in get_protocol_members(protocol) if not hasattr(network, name))


def require(network: object, protocols: type | tuple[type, ...], purpose: str) -> None:
    """Refuse a network that lacks what a task asks for.

    Args:
        network: of the task.
        protocols: all of which it must fulfil.
        purpose: who asks, in the message.

    Raises:
        InputError: naming the network's class, the protocols and every missing member.
    """
    asked = protocols if isinstance(protocols, tuple) else (protocols,)
    lacking = {protocol.__name__: missing(network, protocol) for protocol in asked}
    told = [f"{', '.join(names)} of {name}" for name, names in lacking.items() if names]
    if told:
        raise InputError(
            f"model.init_args.network: {type(network).__name__} cannot serve {purpose}; it lacks "
            f"{' and '.join(told)} (see fashionvl.models.protocols)"
        )
