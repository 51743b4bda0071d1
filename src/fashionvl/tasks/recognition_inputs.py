"""Inputs of recognition: photograph and caption, or one of them alone."""

from typing import Literal, cast, get_args

from torch import Tensor, nn

from fashionvl.data.records import PairBatch, Pairs
from fashionvl.models.protocols import Recognises, RecognisesImages, RecognisesTexts, require

Input = Literal["both", "image", "text"]
"""Photograph and caption; the photograph, with [CLS] for a caption; the caption without a photograph."""

INPUTS: tuple[Input, ...] = get_args(Input)

LABELS = ("m_cr", "s_cr")
"""Main category and sub-category."""

_PROTOCOLS: dict[Input, type] = {"both": Recognises, "image": RecognisesImages, "text": RecognisesTexts}


def named(label: str, source: Input) -> str:
    """Return the name of a label's protocol: the papers' for `both`, `m_cr_image` for `image`."""
    return label if source == "both" else f"{label}_{source}"


def require_inputs(network: nn.Module, sources: tuple[Input, ...], purpose: str) -> None:
    """Refuse a network that cannot recognise from some of these.

    Raises:
        InputError: naming the network's class and the methods it lacks.
    """
    found = f"{purpose} from {', '.join(sources)}"
    require(network, tuple(dict.fromkeys((Recognises, *(_PROTOCOLS[one] for one in sources)))), found)


def recognised(network: nn.Module, batch: Pairs, source: Input) -> tuple[Tensor, Tensor]:
    """Return the logits `[B, categories]` and `[B, subcategories]` of pairs, only `source` read."""
    if source == "image":
        return cast(RecognisesImages, network).recognise_image(batch.images, batch.input_ids[:, 0])
    if source == "text":
        return cast(RecognisesTexts, network).recognise_text(batch.texts)
    return cast(Recognises, network).recognise(batch)


def targets_of(batch: PairBatch) -> dict[str, Tensor]:
    """Return the true classes `[B]` of both labels."""
    return dict(zip(LABELS, (batch.category, batch.subcategory), strict=True))
