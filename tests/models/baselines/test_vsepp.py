"""VSE++: shapes, options, padding and order of the batch, the frozen CNN, saving, and bad input."""

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import Tensor

from fashionvl.data.records import Embedding, Patches, Pixels, Texts
from fashionvl.errors import InputError
from fashionvl.models.baselines.vsepp import VSEPP
from fashionvl.models.blocks.cnn import image_encoder
from fashionvl.models.protocols import Embeds, ReadsTokens

CNN = "test_resnet"  # 0.4 million weights, batch norms


def network(**options: Any) -> VSEPP:
    torch.manual_seed(0)
    return VSEPP(
        **{"vocab_size": 20, "max_tokens": 9, "cnn": CNN, "embed_size": 12, "word_size": 6, **options}
    )


def stored(**options: Any) -> VSEPP:
    return network(**{"cnn": None, "feature_width": 10, "feature_norm": False, **options})


def photographs(count: int = 4, side: int = 48) -> Pixels:
    return Pixels(torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1)))


def features(count: int = 4) -> Pixels:
    return Pixels(torch.randn(count, 10, generator=torch.Generator().manual_seed(1)))


def captions(lengths: tuple[int, ...] = (3, 7, 1, 5), width: int = 7) -> Texts:
    ids = torch.randint(1, 20, (len(lengths), width), generator=torch.Generator().manual_seed(2))
    mask = (torch.arange(width) < torch.tensor(lengths)[:, None]).long()
    return Texts(ids * mask, mask)


def close(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-6)


def test_it_keeps_the_protocols_and_the_shapes() -> None:
    model = network().eval()
    assert isinstance(model, Embeds)
    assert isinstance(model, ReadsTokens)
    images, texts = model.embed_image(photographs(3)), model.embed_text(captions())
    assert images.values.shape == (3, 12)
    assert texts.values.shape == (4, 12)
    assert images.mask is None
    close(images.values.norm(dim=1), torch.ones(3))
    close(texts.values.norm(dim=1), torch.ones(4))
    similarity = model.similarity(images, texts)
    assert similarity.shape == (3, 4)
    close(similarity, images.values @ texts.values.T)


def test_stored_features_are_projected_as_they_are_or_normalised_first() -> None:
    model = stored(image_norm=False)
    given = features()
    close(model.embed_image(given).values, model.fc(given.pixel_values))
    model.feature_norm = True
    tripled = Pixels(3 * given.pixel_values)
    close(model.embed_image(tripled).values, model.embed_image(given).values)
    assert (stored(absolute=True).embed_image(given).values >= 0).all()
    assert (stored(absolute=True).embed_text(captions()).values >= 0).all()


def test_a_photograph_is_normalised_with_the_cnns_own_mean_and_deviation() -> None:
    model = network(cnn="resnet10t", image_norm=False, feature_norm=False).eval()
    given = photographs(2, 32)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])  # ImageNet's
    seen = (given.pixel_values - mean[:, None, None]) / std[:, None, None]
    close(model.embed_image(given).values, model.fc(model.cnn.trunk(seen)))


def test_the_order_measure_by_hand() -> None:
    model = stored(measure="order")
    images = Embedding(torch.tensor([[0.5, 0.5], [1.0, 0.0]], requires_grad=True))
    texts = Embedding(torch.tensor([[0.8, 0.1], [0.9, 0.9], [0.2, 0.0]]))
    similarity = model.similarity(images, texts)
    close(similarity, -torch.tensor([[0.3, 0.32**0.5, 0.0], [0.1, 0.9, 0.0]]))
    similarity.sum().backward()
    assert images.values.grad.isfinite().all()  # also where a text lies below its image: norm 0


def test_a_text_is_the_grus_state_after_its_last_token() -> None:
    model = stored()
    texts = captions()
    for row, length in enumerate(texts.lengths.tolist()):
        states, _ = model.rnn(model.word_embeddings(texts.input_ids[row : row + 1, :length]))
        last = states[0, -1]
        close(model.embed_text(texts).values[row], last / last.norm())


def test_the_order_of_a_batch_and_what_else_is_in_it_change_nothing() -> None:
    model = network().eval()
    texts, images = captions(), photographs()
    order = torch.tensor([2, 0, 3, 1])
    close(model.embed_text(texts[order]).values, model.embed_text(texts).values[order])
    close(model.embed_image(images[order]).values, model.embed_image(images).values[order])
    close(model.embed_text(texts[1:2]).values, model.embed_text(texts).values[1:2])
    close(model.embed_image(images[1:2]).values, model.embed_image(images).values[1:2])


def test_padding_changes_nothing_whatever_its_id() -> None:
    model = stored()
    short = captions()
    wide = Texts(
        *(torch.nn.functional.pad(value, (0, 2)) for value in (short.input_ids, short.attention_mask))
    )
    assert torch.equal(model.embed_text(wide).values, model.embed_text(short).values)
    other = Texts(short.input_ids.masked_fill(short.attention_mask == 0, 7), short.attention_mask)
    assert torch.equal(model.embed_text(other).values, model.embed_text(short).values)


def test_initial_weights_are_the_released_codes() -> None:
    model = network(vocab_size=2000, embed_size=64)
    bound = (6 / (64 + model.fc.in_features)) ** 0.5
    for weight, limit in (
        (model.fc.weight, bound),
        (model.word_embeddings.weight, 0.1),
        (model.rnn.weight_hh_l0, 64**-0.5),
    ):
        assert 0.95 * limit < weight.abs().max() <= limit
        assert weight.std().item() == pytest.approx(limit / 3**0.5, rel=0.05)
    assert not model.fc.bias.any()


def step(model: VSEPP) -> None:
    model.train()
    model.similarity(
        model.embed_image(photographs()), model.embed_text(captions())
    ).diagonal().sum().backward()
    torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1).step()


def changed(model: VSEPP) -> set[str]:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    step(model)
    return {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}


def test_a_frozen_cnn_stays_as_it_is_and_in_evaluation_mode() -> None:
    model = network()
    assert {name.split(".")[0] for name in changed(model)} == {"fc", "rnn", "word_embeddings"}
    assert model.training
    assert not any(module.training for module in model.cnn.modules())
    given = photographs()
    close(model.embed_image(given).values, model.eval().embed_image(given).values)


def test_a_cnn_that_is_finetuned_moves_with_its_statistics() -> None:
    model = network(finetune=True)
    names = changed(model)
    assert all(parameter.grad is not None for parameter in model.parameters())
    for kind in ("conv", "running_mean", "running_var"):
        assert any(name.startswith("cnn.trunk") and kind in name for name in names), kind
    assert all(module.training for module in model.cnn.modules())
    assert not any(module.training for module in model.eval().cnn.modules())


def test_save_and_load_gives_the_same_network(tmp_path: Path) -> None:
    model = network(measure="order", absolute=True, cnn_arguments={"drop_rate": 0.0}).eval()
    model.save_pretrained(tmp_path)
    loaded = VSEPP.from_pretrained(tmp_path)
    assert loaded.config == model.config
    assert not loaded.training
    images, texts = loaded.embed_image(photographs()), loaded.embed_text(captions())
    assert torch.equal(images.values, model.embed_image(photographs()).values)
    assert torch.equal(texts.values, model.embed_text(captions()).values)
    assert torch.equal(loaded.similarity(images, texts), model.similarity(images, texts))


def test_weights_of_the_hub_are_not_asked_for_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []
    create = timm.create_model

    def offline(name: str, pretrained: bool, **arguments: Any) -> Any:
        asked.append(pretrained)
        return create(name, pretrained=False, **arguments)

    monkeypatch.setattr(timm, "create_model", offline)
    network(pretrained=True).save_pretrained(tmp_path)
    VSEPP.from_pretrained(tmp_path)
    assert asked == [True, False]


def test_a_cnn_starts_from_a_package() -> None:
    model = network(cnn="tf_efficientnet_lite0", pretrained="package:efficientnet-lite0").eval()
    encoder = image_encoder("tf_efficientnet_lite0", weights="package:efficientnet-lite0").eval()
    pixels = photographs().pixel_values
    assert torch.equal(model.cnn(pixels), encoder((pixels - 0.5) / 0.5))
    with pytest.raises(InputError, match="cnn: resnet10t, but package:efficientnet-lite0 is of"):
        network(cnn="resnet10t", pretrained="package:efficientnet-lite0")


def test_autocast_leaves_embeddings_and_similarities_in_float32() -> None:
    model = network().eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        images, texts = model.embed_image(photographs()), model.embed_text(captions())
        similarity = model.similarity(images, texts)
    assert similarity.dtype == torch.float32
    assert torch.equal(similarity, images.values @ texts.values.T)
    close(images.values.norm(dim=1), torch.ones(4))
    expected = model.similarity(model.embed_image(photographs()), model.embed_text(captions()))
    assert (similarity - expected).abs().max() < 0.05


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cnn": "no_such"}, r"cnn: timm has no model 'no_such'"),
        (
            {"cnn_arguments": {"no_such": 1}},
            r"cnn_arguments: timm cannot build test_resnet with \{'no_such': 1\}",
        ),
        ({"feature_width": 7}, r"feature_width: 7, but the CNN's features have \d+; leave it null"),
        ({"cnn": None}, r"feature_width: None with cnn null; give the width"),
        ({"vocab_size": 0}, r"vocab_size: 0 must be at least 1"),
        ({"embed_size": 0}, r"embed_size: 0 must be at least 1"),
        ({"measure": "euclid"}, r"measure: 'euclid' is neither cosine nor order"),
    ],
)
def test_arguments_that_do_not_fit_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        network(**options)


def test_images_and_texts_that_do_not_fit_are_refused() -> None:
    patches = Patches(torch.zeros(2, 55, 8), torch.zeros(2, 55, 5))
    with pytest.raises(InputError, match=r"data.init_args.kaleido: photographs come as patches, VSEPP reads"):
        network().embed_image(patches)
    with pytest.raises(InputError, match=r"cnn: null takes stored features \[B, D\], not \[4, 3, 48, 48\]"):
        stored().embed_image(photographs())
    with pytest.raises(InputError, match=r"pixel_values: \[4, 10\], the CNN reads photographs"):
        network().embed_image(features())
    with pytest.raises(InputError, match=r"input_ids: 10 tokens, the model has max_tokens 9"):
        stored().embed_text(captions((10, 2), 10))
    with pytest.raises(InputError, match=r"attention_mask: text 1 has no token"):
        stored().embed_text(captions((3, 0), 5))
