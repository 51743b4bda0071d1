"""The captioner's training, step by step, without a trainer."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fashionvl.data.records import PairBatch
from fashionvl.errors import InputError
from fashionvl.models.kaleido_bert.captioner import ShowAttendTell
from fashionvl.objectives.description import bag_of_words_loss, caption_loss, doubly_stochastic
from fashionvl.tasks.kaleido.captioner import CaptionerTraining, Crops, foreground_boxes

CLS, SEP, PAD = 2, 3, 0
CAPTIONS = torch.tensor(
    [
        [CLS, 5, 6, 7, SEP, PAD],
        [CLS, 8, 6, 9, 10, SEP],
        [CLS, 5, SEP, PAD, PAD, PAD],
        [CLS, 11, 10, 9, SEP, PAD],
    ]
)


class Watched(CaptionerTraining):
    """Keeps what it logs."""

    def log_all(self, split: str, values: dict[str, Any], size: int, on_step: bool = False) -> None:
        self.logged: dict[str, Tensor] = {f"{split}/{name}": value for name, value in values.items()}


def _network(**arguments: Any) -> ShowAttendTell:
    torch.manual_seed(0)
    tiny: dict[str, Any] = {
        "image_size": 32,
        "backbone": "resnet10t",
        "backbone_arguments": {"channels": [8, 8, 8, 16], "stem_width": 8},
        "pretrained": False,
        "train_backbone": True,
        "reduction": 8,
        "vocab_size": 12,
        "max_tokens": 8,
        "attention_width": 8,
        "embedding_width": 16,
        "hidden_width": 32,
        "dropout": 0.0,
        "cls_id": CLS,
        "sep_id": SEP,
    }
    return ShowAttendTell(**(tiny | arguments))


def _batch(padding: int = 0) -> PairBatch:
    ids = torch.nn.functional.pad(CAPTIONS, (0, padding))
    size, number = len(ids), torch.arange(len(ids))
    return PairBatch(
        pixel_values=torch.rand(size, 3, 32, 32, generator=torch.Generator().manual_seed(0)),
        input_ids=ids,
        attention_mask=(ids != PAD).long(),
        image_mask=None,
        mlm_labels=None,
        itm_labels=torch.ones(size, dtype=torch.int64),
        category=number,
        subcategory=number,
        product_id=number,
        rows=number,
    )


def test_the_total_weighs_the_losses() -> None:
    task = Watched(_network(bag_of_words=True), 0.5, Crops(weight=3.0, size=16))
    total = task.training_step(_batch(), 0)
    logged = task.logged
    expected = logged["train/caption"] + 0.5 * logged["train/doubly_stochastic"] + 3 * logged["train/bag"]
    assert total.item() == pytest.approx(expected.item())
    assert logged["train/loss"].item() == pytest.approx(expected.item())


def test_padding_changes_no_loss() -> None:
    task = Watched(_network())
    losses = []
    for padding in (0, 2):
        task.training_step(_batch(padding), 0)
        losses.append({key: value.item() for key, value in task.logged.items()})
    assert losses[0] == pytest.approx(losses[1])


def test_losses_count_words_alone() -> None:
    logits = torch.randn(2, 3, 5)
    targets, known = torch.tensor([[1, 2, 3], [4, 0, 0]]), torch.tensor([[1, 1, 1], [1, 0, 0]]).bool()
    picked = logits.log_softmax(-1).gather(2, targets[..., None])[..., 0]
    expected = -(picked[0].sum() + picked[1, 0]) / 4
    torch.testing.assert_close(caption_loss(logits, targets, known), expected)
    attention = torch.zeros(2, 3, 2, 2)
    attention[0, :, 0, 0] = 1.0
    attention[1, :, 1, 1] = 1.0
    # Three words on one cell of the first, (1 - 3)^2 + 3; one word on one cell of the second, 0 + 3.
    assert doubly_stochastic(attention, known).item() == pytest.approx((4 + 3 + 3) / 2)
    assert doubly_stochastic(torch.full((1, 4, 2, 2), 0.25), torch.ones(1, 4).bool()).item() == 0.0


def test_the_words_of_a_caption_are_its_bag() -> None:
    task = Watched(_network(bag_of_words=True), crops=Crops(size=16))
    bags = task._bags(_batch())
    assert [row.nonzero().flatten().tolist() for row in bags] == [[5, 6, 7], [6, 8, 9, 10], [5], [9, 10, 11]]
    certain = torch.where(bags, 30.0, -30.0)
    assert bag_of_words_loss(certain, bags).item() == pytest.approx(0.0, abs=1e-6)
    undecided = bag_of_words_loss(torch.zeros(4, 12), bags).item()
    assert undecided == pytest.approx(12 * 0.6931472, rel=1e-5)


def test_four_captions_are_learnt_by_heart() -> None:
    network = _network()
    task, batch = Watched(network, 0.0), _batch()
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    task.train()
    for step in range(60):
        optimizer.zero_grad()
        task.training_step(batch, step).backward()
        optimizer.step()
    assert task.logged["train/token_accuracy"] == 1.0
    assert task.logged["train/caption"] < 0.1


def test_a_word_told_from_what_is_attended_to_turns_the_attention() -> None:
    """The cell that shows the word gains attention; without the loss nothing tells the LSTM's words apart."""
    network = _network(words_of_context=True)
    task = CaptionerTraining(network, doubly_stochastic_weight=0.0, context_weight=1.0)
    losses, _ = task.losses(_batch(), 0)
    losses["context"].backward()
    for scorer in (network.decoder.energy, network.decoder.of_annotation, network.decoder.of_state):
        assert scorer.weight.grad is not None
        assert scorer.weight.grad.abs().max() > 0
    # What the LSTM would have said has no part in it.
    assert network.decoder.output.weight.grad is None


def test_the_words_of_a_context_are_those_of_the_weighted_annotations() -> None:
    network = _network(words_of_context=True).eval()
    batch = _batch()
    told = network(batch.pixel_values, batch.input_ids, batch.attention_mask)
    annotations, _, _ = network._begin(batch.pixel_values)
    expected = network.context_words(told.attention.flatten(2) @ annotations.vectors)
    torch.testing.assert_close(told.seen, expected)


def test_crops_teach_the_pooled_vector() -> None:
    network = _network(bag_of_words=True)
    Watched(network, crops=Crops(size=16)).training_step(_batch(), 0).backward()
    # The second normalisation of a block starts at 0 and thus learns first.
    last = network.encoder.model.layer4[0].bn2.weight
    assert last.grad is not None
    assert last.grad.abs().sum() > 0
    plain = _network()
    Watched(plain).training_step(_batch(), 0).backward()
    assert plain.encoder.model.layer4[0].bn2.weight.grad is None


def test_dev_crops_are_the_same_every_epoch() -> None:
    task = Watched(_network(bag_of_words=True), crops=Crops(size=16)).eval()
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        task.validation_step(_batch(), 4)
        found.append(task.logged["dev/bag"].item())
        after = torch.rand(1)
        torch.manual_seed(seed)
        assert torch.equal(torch.rand(1), after)
    assert found[0] == found[1]


@given(st.tuples(*[st.integers(0, 31) for _ in range(4)]))
@settings(max_examples=50, deadline=None)
def test_the_foreground_box_holds_everything_dark(places: tuple[int, int, int, int]) -> None:
    (left, right), (top, bottom) = sorted(places[:2]), sorted(places[2:])
    photograph = torch.ones(1, 3, 32, 32)
    photograph[:, 1, top, left] = photograph[:, 1, bottom, right] = 0.2
    expected = torch.tensor([[left, top, right + 1, bottom + 1]]) / 32
    torch.testing.assert_close(foreground_boxes(photograph), expected)


def test_a_white_photograph_is_all_foreground() -> None:
    assert foreground_boxes(torch.ones(1, 3, 8, 8)).tolist() == [[0.0, 0.0, 1.0, 1.0]]


def test_whole_crops_are_the_foreground() -> None:
    photograph = torch.ones(1, 3, 32, 32)
    photograph[:, :, 8:24, 4:20] = torch.rand(3, 16, 16) * 0.9
    crop = Crops(size=16, smallest=1.0).cut(photograph)
    torch.testing.assert_close(crop, photograph[:, :, 8:24, 4:20], atol=1e-5, rtol=0)


def test_crops_stay_in_the_foreground_and_vary() -> None:
    torch.manual_seed(0)
    photograph = torch.ones(1, 3, 32, 32)
    place = torch.arange(8, 24) / 100
    photograph[:, 0, 8:24, 8:24] = place
    crops = Crops(size=8, count=64, smallest=0.2).cut(photograph)
    assert crops.shape == (64, 3, 8, 8)
    seen = crops[:, 0]
    assert seen.min() > 0.07
    assert seen[:, :, 1:-1].max() < 0.24
    extents = seen[:, 0, -2] - seen[:, 0, 1]
    assert extents.min() < 0.04
    assert extents.max() > 0.08


def _tokenizer(**changes: Any) -> Any:
    """A stand-in that writes its cls and sep tokens around one word."""
    ids = {"cls_token_id": CLS, "sep_token_id": SEP, "pad_token_id": PAD, "__len__": lambda _: 12} | changes

    def coded(_: Any, text: str, return_special_tokens_mask: bool) -> dict[str, list[int]]:
        return {"input_ids": [ids["cls_token_id"], 5, ids["sep_token_id"]], "special_tokens_mask": [1, 0, 1]}

    return type("Tokenizer", (), {**ids, "__call__": coded})()


@pytest.mark.parametrize(
    ("tokenizer", "max_tokens", "message"),
    [
        (
            _tokenizer(__len__=lambda _: 13),
            8,
            r"vocab_size: 12 is less than the 13 word pieces of tokenizer toy",
        ),
        (_tokenizer(), 9, r"max_tokens: 8 is less than data.max_tokens, 9"),
        (_tokenizer(cls_token_id=101), 8, r"cls_id: 2, but tokenizer toy has 101"),
        (_tokenizer(pad_token_id=1), 8, r"pad_id: 0, but tokenizer toy has 1"),
        (_tokenizer(cls_token_id=None), 8, r"tokenizer: toy has no cls_token, which the captioner needs"),
        (_tokenizer(pad_token_id=SEP), 8, r"tokenizer: toy does not write captions as cls \.\.\. sep pad"),
    ],
)
def test_data_that_does_not_fit_is_refused(tokenizer: Any, max_tokens: int, message: str) -> None:
    task = Watched(_network())
    data = SimpleNamespace(tokenizer=tokenizer, tokenizer_name="toy", max_tokens=max_tokens, attach=id)
    task._trainer = SimpleNamespace(datamodule=data)  # type: ignore[assignment]
    with pytest.raises(InputError, match=message):
        task.setup("fit")


def test_options_that_need_each_other_are_refused_alone() -> None:
    with pytest.raises(InputError, match="bag_of_words"):
        CaptionerTraining(_network(bag_of_words=True))
    with pytest.raises(InputError, match="bag_of_words"):
        CaptionerTraining(_network(), crops=Crops())
    with pytest.raises(InputError, match="words_of_context"):
        CaptionerTraining(_network(words_of_context=True))
    with pytest.raises(InputError, match="words_of_context"):
        CaptionerTraining(_network(), context_weight=1.0)
    with pytest.raises(InputError, match="smallest"):
        Crops(smallest=0.0)
    with pytest.raises(InputError, match="count"):
        Crops(count=0)
