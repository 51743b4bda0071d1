"""Show, Attend and Tell: attention, decoding, and the trunk it shares."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from fashionvl.errors import InputError
from fashionvl.files import packaged
from fashionvl.models.kaleido_bert.captioner import ShowAttendTell

TINY: dict[str, Any] = {
    "image_size": 32,
    "backbone": "resnet10t",
    "backbone_arguments": {"channels": [8, 8, 8, 16], "stem_width": 8},
    "pretrained": False,
    "train_backbone": True,
    "reduction": 8,
    "vocab_size": 12,
    "max_tokens": 6,
    "attention_width": 8,
    "embedding_width": 8,
    "hidden_width": 16,
    "dropout": 0.0,
    "bag_of_words": True,
    "cls_id": 2,
    "sep_id": 3,
    "pad_id": 0,
}
CLS, SEP, PAD = 2, 3, 0
Build = Callable[..., ShowAttendTell]


@pytest.fixture
def build() -> Build:
    def build_tiny(seed: int = 0, **arguments: Any) -> ShowAttendTell:
        torch.manual_seed(seed)
        network = ShowAttendTell(**(TINY | arguments)).eval()
        # A peaked distribution, so that beams and greedy decoding part ways.
        torch.nn.init.normal_(network.decoder.output.weight, std=2.0)
        return network

    return build_tiny


def _photographs(count: int, size: int = 32) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def _captions() -> tuple[Tensor, Tensor]:
    ids = torch.tensor([[CLS, 5, 6, 7, 8, SEP], [CLS, 9, SEP, PAD, PAD, PAD]])
    return ids, (ids != PAD).long()


def _score(network: ShowAttendTell, photograph: Tensor, tokens: list[int]) -> float:
    """Log-probability of a whole caption by teacher forcing, over the words that may be said."""
    ids = torch.tensor([[CLS, *tokens]])
    logits, *_ = network(photograph[None], ids, torch.ones_like(ids))
    logits[..., [CLS, PAD]] = -torch.inf
    return float(logits[0].detach().log_softmax(-1)[range(len(tokens)), tokens].sum())


def test_attention_is_a_distribution_over_the_grid(build: Build) -> None:
    ids, mask = _captions()
    logits, attention, _ = build()(_photographs(2), ids, mask)
    assert logits.shape == (2, 5, 12)
    assert attention.shape == (2, 5, 4, 4)
    assert (attention > 0).all()
    torch.testing.assert_close(attention.sum((2, 3)), torch.ones(2, 5))


def test_attention_keeps_to_the_product(build: Build) -> None:
    ids, mask = _captions()
    photographs = torch.ones(2, 3, 32, 32)
    photographs[0, :, 8:16, 8:24] = 0.5  # two cells of the 4 x 4
    network = build(product_only=True)
    _, attention, _ = network(photographs, ids, mask)
    assert (attention[0, :, 1, 1:3] > 0).all()
    torch.testing.assert_close(attention[0, :, 1, 1:3].sum(-1), torch.ones(5))
    # A photograph that is white all over is attended to everywhere.
    assert (attention[1] > 0).all()
    described = network.describe(photographs[:1], beams=2).attention
    assert described[..., 0, :].abs().max() == 0


def test_the_grid_follows_the_stride(build: Build) -> None:
    ids, mask = _captions()
    for reduction, side in ((4, 8), (8, 4), (16, 2)):
        _, attention, _ = build(reduction=reduction)(_photographs(2), ids, mask)
        assert attention.shape[2:] == (side, side)


def test_attention_is_drawn_to_what_scores_high(build: Build) -> None:
    network = build()
    grid = torch.zeros(1, 8, 4, 4)
    grid[0, 0, 1, 2] = 5.0
    with torch.no_grad():
        network.decoder.of_annotation.weight.zero_()[0, 0] = 1.0
        network.decoder.energy.weight.zero_()[0, 0] = 20.0
    annotations, state = network.decoder.begin(grid)
    _, context, attention = network.decoder.step(annotations, state, torch.zeros(1, 8))
    assert attention[0].argmax() == 1 * 4 + 2
    gate = torch.sigmoid(network.decoder.gate(state.h))
    expected = gate * (attention[0, :, None] * grid[0].flatten(1).T).sum(0)
    torch.testing.assert_close(context, expected)


def test_a_decoder_that_starts_from_nothing_knows_only_what_it_attends_to(build: Build) -> None:
    for initial_state, same in (("mean", False), ("zero", True)):
        decoder = build(initial_state=initial_state).decoder
        states = [decoder.begin(torch.full((1, 8, 4, 4), value))[1] for value in (0.0, 1.0)]
        assert torch.equal(states[0].h, states[1].h) == same
        assert torch.equal(states[0].c, states[1].c) == same


def test_words_do_not_see_those_after_them(build: Build) -> None:
    network = build()
    ids, mask = _captions()
    before, *_ = network(_photographs(2), ids, mask)
    ids[0, 3] = 11
    after, *_ = network(_photographs(2), ids, mask)
    torch.testing.assert_close(before[0, :3], after[0, :3])
    assert not torch.allclose(before[0, 3], after[0, 3])


def test_padding_is_not_run(build: Build) -> None:
    network, photographs = build(max_tokens=8), _photographs(2)
    ids, mask = (F.pad(part, (0, 2)) for part in _captions())
    whole, *_ = network(photographs, ids, mask)
    assert whole.shape[1] == 5
    short, attention, _ = network(photographs[1:], ids[1:], mask[1:])
    assert attention.shape[1] == 2
    torch.testing.assert_close(whole[1:, :2], short)


@pytest.mark.parametrize("seed", range(4))
def test_one_beam_is_greedy(build: Build, seed: int) -> None:
    network, photographs = build(seed), _photographs(3)
    found = network.describe(photographs)
    for row in range(3):
        words: list[int] = []
        while len(words) < 5 and SEP not in words:
            ids = torch.tensor([[CLS, *words, PAD]])
            logits, attention, _ = network(photographs[row : row + 1], ids, torch.ones_like(ids))
            logits[..., [CLS, PAD]] = -torch.inf
            words.append(int(logits[0, -1].argmax()))
            torch.testing.assert_close(found.attention[row, len(words) - 1], attention[0, -1])
        assert found.tokens[row].tolist() == words + [PAD] * (5 - len(words))
        assert float(found.log_probability[row]) == pytest.approx(
            _score(network, photographs[row], words), abs=1e-4
        )


@pytest.mark.parametrize("seed", range(4))
def test_a_search_wide_enough_finds_the_best_caption(build: Build, seed: int) -> None:
    network, photograph = build(seed, vocab_size=6), _photographs(1)
    said = [1, SEP, 4, 5]
    every = [
        list(words)
        for length in (1, 2, 3)
        for words in itertools.product(said, repeat=length)
        if SEP not in words[:-1] and (length == 3 or words[-1] == SEP)
    ]
    scores = {tuple(words): _score(network, photograph[0], words) for words in every}
    best = max(scores, key=scores.__getitem__)
    found = network.describe(photograph, beams=len(every), max_tokens=4)
    assert [token for token in found.tokens[0].tolist() if token != PAD] == list(best)
    assert float(found.log_probability[0]) == pytest.approx(scores[best], abs=1e-4)
    greedy = network.describe(photograph, max_tokens=4)
    assert float(found.log_probability[0]) >= float(greedy.log_probability[0]) - 1e-5


def test_a_photograph_is_described_alone_as_among_others(build: Build) -> None:
    network, photographs = build(3), _photographs(4)
    together = network.describe(photographs, beams=3)
    for row in range(4):
        alone = network.describe(photographs[row : row + 1], beams=3)
        assert together.tokens[row].tolist() == alone.tokens[0].tolist()
        torch.testing.assert_close(together.attention[row], alone.attention[0])


def test_attention_of_generated_words_ends_with_the_caption(build: Build) -> None:
    found = build(1).describe(_photographs(6), beams=3)
    said = found.tokens != PAD
    torch.testing.assert_close(found.attention.sum((2, 3)), said.float())
    assert ((found.tokens == SEP).sum(1) <= 1).all()
    assert said[:, 0].all()


def test_other_sizes_are_resized(build: Build) -> None:
    network = build()
    ids, mask = _captions()
    _, attention, _ = network(_photographs(2, 80), ids, mask)
    assert attention.shape[2:] == (4, 4)


def test_a_network_survives_saving(build: Build, tmp_path: Path) -> None:
    network = build()
    network.save_pretrained(tmp_path)
    loaded = ShowAttendTell.from_pretrained(tmp_path)
    ids, mask = _captions()
    for before, after in zip(
        network(_photographs(2), ids, mask), loaded(_photographs(2), ids, mask), strict=True
    ):
        torch.testing.assert_close(before, after, rtol=0, atol=0)
    assert not loaded.training


def test_weights_of_another_captioner_are_refused(build: Build, tmp_path: Path) -> None:
    build().save_pretrained(tmp_path)
    with pytest.raises(InputError, match="another configuration"):
        ShowAttendTell.from_pretrained(tmp_path, vocab_size=20)


def test_a_resting_trunk_neither_learns_nor_moves_its_statistics(build: Build) -> None:
    network = build(train_backbone=False)
    network.train()
    before = {key: value.clone() for key, value in network.encoder.state_dict().items()}
    ids, mask = _captions()
    network(_photographs(2), ids, mask)[0].sum().backward()
    assert all(parameter.grad is None for parameter in network.encoder.parameters())
    assert network.decoder.word.weight.grad is not None
    for key, value in network.encoder.state_dict().items():
        assert torch.equal(value, before[key]), key
    learning = build().train()
    learning(_photographs(2), ids, mask)[0].sum().backward()
    assert learning.encoder.model.conv1[0].weight.grad is not None


def test_what_cannot_be_built_is_one_line(build: Build) -> None:
    for arguments, message in (
        ({"backbone": "resnet_of_nobody"}, "timm has no model 'resnet_of_nobody'"),
        ({"backbone_arguments": {"colour": 3}}, "timm cannot build resnet10t"),
        ({"reduction": 7}, "no map of stride 7; it has 2, 4, 8, 16, 32"),
    ):
        with pytest.raises(InputError, match=message):
            build(**arguments)
    network = build(bag_of_words=False)
    with pytest.raises(InputError, match="bag_of_words"):
        network.word_logits(_photographs(1))
    with pytest.raises(InputError, match="input_ids: 7 tokens"):
        network(_photographs(1), torch.ones(1, 7, dtype=torch.int64), torch.ones(1, 7))


def test_weights_of_a_package_are_not_asked_for_again(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = build(
        backbone="tf_efficientnet_lite0",
        backbone_arguments=None,
        pretrained="package:efficientnet-lite0",
        reduction=16,
    )
    network.save_pretrained(tmp_path)
    monkeypatch.setattr(packaged, "find_spec", lambda _: None)
    loaded = ShowAttendTell.from_pretrained(tmp_path).eval()
    photographs = _photographs(2)
    assert torch.equal(loaded.encoder.pooled(photographs), network.encoder.pooled(photographs))
    monkeypatch.undo()
    with pytest.raises(InputError, match="backbone: resnet10t, but package:efficientnet-lite0 is of"):
        build(pretrained="package:efficientnet-lite0")
