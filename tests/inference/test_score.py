"""Score matrices of cross-encoders and of dual encoders, in chunks of any size."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import fashionvl
from fashionvl.data.records import Embedding, Pairs, Pixels, Texts
from fashionvl.errors import InputError
from fashionvl.inference.score import probabilities, score, score_matrix

IMAGES = Pixels(torch.arange(1.0, 4).view(3, 1, 1, 1).expand(3, 3, 2, 2))
TEXTS = Texts(torch.tensor([[1, 2], [3, 4]]), torch.ones(2, 2, dtype=torch.int64))


class Cross(nn.Module):
    """Scores a pair by 100 times its picture and ten times its first token, and counts pairs of a call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[int] = []

    def match(self, batch: Pairs) -> Tensor:
        self.calls.append(len(batch))
        return 100 * batch.pixel_values[:, 0, 0, 0] + 10 * batch.input_ids[:, 0]


class Dual(nn.Module):
    """Embeds words one by one; its similarity is the best word's and not symmetric."""

    def embed_image(self, images: Pixels) -> Embedding:
        return Embedding(images.pixel_values.mean((1, 2, 3))[:, None])

    def embed_text(self, texts: Texts) -> Embedding:
        return Embedding(texts.input_ids[..., None].float(), texts.attention_mask.bool())

    def similarity(self, images: Embedding, texts: Embedding) -> Tensor:
        assert texts.mask is not None
        words = torch.einsum("id,tld->itl", images.values, texts.values)
        return words.masked_fill(~texts.mask, -torch.inf).amax(-1)


@pytest.mark.parametrize("chunk", [None, 1, 2, 4, 5, 6, 100])
def test_every_pair_of_a_cross_encoder_is_scored_once(chunk: int | None) -> None:
    model = Cross()
    found = score_matrix(model, IMAGES, TEXTS, chunk)
    assert found.tolist() == [[110, 130], [210, 230], [310, 330]]
    assert sum(model.calls) == 6
    assert max(model.calls) <= (chunk or 512)


@pytest.mark.parametrize("chunk", [None, 1, 2, 100])
def test_a_dual_encoder_reads_its_own_similarity(chunk: int | None) -> None:
    texts = Texts(TEXTS.input_ids, torch.tensor([[1, 1], [1, 0]]))
    assert score_matrix(Dual(), IMAGES, texts, chunk).tolist() == [[2, 3], [4, 6], [6, 9]]


def test_a_model_that_scores_nothing_is_told_what_it_lacks() -> None:
    with pytest.raises(
        InputError, match=r"Linear: cannot score; it lacks match of ScoresPairs, or embed_image"
    ):
        score_matrix(nn.Linear(1, 1), IMAGES, TEXTS)


def test_the_whole_way_from_files(saved: Path, garments: Path) -> None:
    model, processor = fashionvl.load(saved)
    pictures, captions = [garments / f"{row}.png" for row in range(3)], ["red dress", "blue coat"]
    found = fashionvl.score(model, processor, pictures, captions)
    assert found.shape == (3, 2)
    assert found.dtype == torch.float32
    for row, picture in enumerate(pictures):
        for column, caption in enumerate(captions):
            alone = model.match(processor.pairs([picture], [caption]))
            torch.testing.assert_close(found[row, column : column + 1], alone.detach(), rtol=0, atol=1e-5)
    torch.testing.assert_close(found, score(model, processor, pictures, captions, chunk=1), rtol=0, atol=1e-5)


def test_probabilities_are_given_where_the_model_defines_them(saved: Path, garments: Path) -> None:
    model, processor = fashionvl.load(saved)
    pairs = processor.pairs([garments / "0.png"], ["red dress"])
    logits = model.itm_logits(model.encode(pairs.pixel_values, pairs.input_ids).pooled)
    found = probabilities(model, score_matrix(model, pairs.images, pairs.texts))
    torch.testing.assert_close(found, logits.softmax(-1)[:, 1:].detach(), rtol=0, atol=1e-6)
    assert probabilities(Cross(), torch.zeros(1, 1)) is None


@pytest.mark.parametrize(
    ("arguments", "defined"),
    [
        ({"itm": "softmax", "match_score": "logit"}, False),
        ({"itm": "softmax", "match_score": "difference"}, True),
        ({"itm": "sigmoid"}, True),
    ],
)
def test_kaleido_berts_raw_logit_is_no_probability(arguments: dict[str, str], defined: bool) -> None:
    from fashionvl.models.kaleido_bert import KaleidoBERT

    small = {"hidden_size": 8, "layers": 1, "heads": 1, "intermediate_size": 8, "vocab_size": 9}
    model = KaleidoBERT(**small, **arguments)  # type: ignore[arg-type]
    assert (probabilities(model, torch.zeros(2, 2)) is not None) == defined
