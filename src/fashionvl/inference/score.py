"""Scores of every picture with every text."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from fashionvl.data.records import Embedding, Images, Texts
from fashionvl.errors import InputError
from fashionvl.inference.processor import Picture, Processor, pair
from fashionvl.models.protocols import Embeds, ScoresLogOdds, ScoresPairs, missing
from fashionvl.tasks.retrieval import suitable_chunk


def score(
    model: nn.Module,
    processor: Processor,
    pictures: Sequence[Picture],
    captions: Sequence[str],
    chunk: int | None = None,
) -> Tensor:
    """Score every picture with every text.

    Args:
        model: as `fashionvl.load` gives it, on any device.
        processor: likewise.
        pictures: I paths, Pillow images or arrays.
        captions: T texts.
        chunk: pairs, images or texts of a forward at most; None takes what suits the device.

    Returns:
        `[I, T]` float32 on the CPU, higher for a better match. The scale is the model's own; `probabilities`
        gives probabilities where the model defines them.

    Raises:
        InputError: a picture or text cannot be read, or the model scores nothing.
    """
    return score_matrix(model, processor.images(pictures), processor.texts(captions), chunk)


@torch.inference_mode()
def score_matrix(model: nn.Module, images: Images, texts: Texts, chunk: int | None = None) -> Tensor:
    """Score prepared images with prepared texts; arguments and result as in `score`.

    Raises:
        InputError: the model neither scores pairs nor embeds.
    """
    device = next((weight.device for weight in model.parameters()), torch.device("cpu"))
    images, texts = images.to(device), texts.to(device)
    if isinstance(model, ScoresPairs):
        chunk = chunk or suitable_chunk(model, texts.input_ids)
        shown = torch.arange(len(images), device=device).repeat_interleave(len(texts))
        said = torch.arange(len(texts), device=device).repeat(len(images))
        logits = [
            model.match(pair(images[some], texts[others]))
            for some, others in zip(shown.split(chunk), said.split(chunk), strict=True)
        ]
        return torch.cat(logits).float().view(len(images), len(texts)).cpu()
    if isinstance(model, Embeds):
        chunk = chunk or suitable_chunk(model, texts.input_ids)
        seen = _joined([model.embed_image(images[some]) for some in _slices(len(images), chunk)])
        read = _joined([model.embed_text(texts[some]) for some in _slices(len(texts), chunk)])
        return model.similarity(seen, read).float().cpu()
    raise InputError(
        f"{type(model).__name__}: cannot score; it lacks {', '.join(missing(model, ScoresPairs))} of "
        f"ScoresPairs, or {', '.join(missing(model, Embeds))} of Embeds (see fashionvl.models.protocols)"
    )


def probabilities(model: nn.Module, scores: Tensor) -> Tensor | None:
    """Turn scores into probabilities that image and text belong together.

    Args:
        model: that gave the scores.
        scores: of any shape.

    Returns:
        The same shape in [0, 1], or None where the model's scores define no probability.
    """
    if isinstance(model, ScoresLogOdds) and model.match_is_log_odds:
        return scores.sigmoid()
    return None


def _slices(count: int, chunk: int) -> Iterator[slice]:
    return (slice(start, start + chunk) for start in range(0, count, chunk))


def _joined(parts: list[Embedding]) -> Embedding:
    masks = [part.mask for part in parts if part.mask is not None]
    return Embedding(torch.cat([part.values for part in parts]), torch.cat(masks) if masks else None)
