"""MVLT's pyramid as a dual encoder, and MVLT started from it."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch

from fashionvl.data.records import Patches, Pixels, Texts
from fashionvl.errors import InputError
from fashionvl.models.mvlt import MVLT, MVLTDualEncoder

SIZES: dict[str, Any] = {
    "image_size": 64, "embed_dims": [8, 8, 16, 16], "depths": [1, 1, 1, 1], "num_heads": [1, 1, 2, 2],
    "mlp_ratios": [2, 2, 2, 2], "sr_ratios": [4, 2, 1, 1], "drop_path": 0.0, "vocab_size": 40,
    "max_tokens": 6, "text_width": 16, "text_positions": 6, "text_dropout": 0.0, "mask_padding": True,
}  # fmt: skip
IDS = torch.tensor([[2, 9, 8, 7, 3, 0], [2, 6, 3, 0, 0, 0]])
TEXTS = Texts(IDS, (IDS != 0).long())
IMAGES = Pixels(torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)))


@pytest.fixture
def dual() -> MVLTDualEncoder:
    torch.manual_seed(0)
    return MVLTDualEncoder(**SIZES).eval()


def test_embeddings_are_unit_vectors_and_scores_their_cosines(dual: MVLTDualEncoder) -> None:
    images, texts = dual.embed_image(IMAGES), dual.embed_text(TEXTS)
    for embedding in (images, texts):
        assert embedding.values.shape == (2, 16)
        torch.testing.assert_close(embedding.values.norm(dim=1), torch.ones(2))
    expected = torch.nn.functional.cosine_similarity(images.values[:, None], texts.values[None], dim=2)
    torch.testing.assert_close(dual.similarity(images, texts), expected)


def test_a_photograph_alone_is_what_the_pyramid_sees_without_text(dual: MVLTDualEncoder) -> None:
    maps, texts = dual.encoder(IMAGES.pixel_values, None)
    assert texts == []
    mean = maps[-1].mean((2, 3))
    torch.testing.assert_close(dual.embed_image(IMAGES).values, mean / mean.norm(dim=1, keepdim=True))


def test_a_caption_alone_is_what_attention_reads_when_all_cells_are_hidden(dual: MVLTDualEncoder) -> None:
    """The joint path with every visual key masked out gives each caption the states it has alone."""
    words = dual.text_embeddings(IDS)
    for stage in dual.encoder.levels:
        stage._key_mask = lambda mask, grid, keys=stage.reduction: torch.cat(  # type: ignore[method-assign]
            [torch.zeros(len(mask), (grid[0] // keys) * (grid[1] // keys), dtype=torch.bool), mask], 1
        )[:, None, None]
    _, joint = dual.encoder(IMAGES.pixel_values, words, TEXTS.attention_mask.bool())
    alone = dual.encoder.text_states(words, TEXTS.attention_mask.bool())
    kept = TEXTS.attention_mask.bool()
    for one, other in zip(joint, alone, strict=True):
        torch.testing.assert_close(one[kept], other[kept])


def test_padding_changes_nothing(dual: MVLTDualEncoder) -> None:
    longer = dual.embed_text(TEXTS).values[1]
    shorter = dual.embed_text(Texts(IDS[1:, :3], TEXTS.attention_mask[1:, :3])).values[0]
    torch.testing.assert_close(longer, shorter)


def test_every_parameter_learns(dual: MVLTDualEncoder) -> None:
    dual.similarity(dual.embed_image(IMAGES), dual.embed_text(TEXTS)).diagonal().sum().backward()
    assert [name for name, weight in dual.named_parameters() if weight.grad is None] == []


def test_mvlt_starts_from_it_and_keeps_its_heads(dual: MVLTDualEncoder, tmp_path: Path) -> None:
    dual.save_pretrained(tmp_path / "contrast" / "model")
    torch.manual_seed(3)
    drawn = MVLT(**SIZES, decoder_width=8)
    torch.manual_seed(3)
    started = MVLT(**SIZES, decoder_width=8, pretrained_encoder=str(tmp_path / "contrast"))
    own, given = started.state_dict(), {**drawn.state_dict(), **dual.state_dict()}
    assert own.keys() == given.keys()
    for name, weight in own.items():
        torch.testing.assert_close(weight, given[name], rtol=0, atol=0)
    assert started.config["pretrained_encoder"] is None


def test_an_encoder_of_other_sizes_is_named(dual: MVLTDualEncoder, tmp_path: Path) -> None:
    dual.save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"model\.safetensors: these are weights of another configuration"):
        MVLT(**SIZES | {"embed_dims": [8, 8, 16, 32]}, pretrained_encoder=str(tmp_path))
    with pytest.raises(InputError, match="pretrained_encoder: nowhere is neither a finished run nor"):
        MVLT(**SIZES, pretrained_encoder="nowhere")


def test_inputs_it_cannot_read_are_named(dual: MVLTDualEncoder) -> None:
    with pytest.raises(InputError, match="7 tokens, the model has max_tokens 6"):
        dual.embed_text(Texts(torch.ones(1, 7, dtype=torch.long), torch.ones(1, 7, dtype=torch.long)))
    with pytest.raises(InputError, match="kaleido"):
        dual.embed_image(Patches(torch.zeros(1, 2, 3), torch.zeros(1, 2, 5)))


def test_both_networks_take_the_same_sizes() -> None:
    own = inspect.signature(MVLTDualEncoder).parameters
    mvlts = inspect.signature(MVLT).parameters
    assert own.keys() < mvlts.keys()
    assert all(own[name].default == mvlts[name].default for name in own)
