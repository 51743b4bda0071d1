"""MVLT's pre-training task, step by step, without a trainer."""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fashionvl.data.records import PairBatch, RetrievalBatch
from fashionvl.errors import InputError
from fashionvl.masking.image import hide
from fashionvl.models.mvlt import MVLT
from fashionvl.objectives.language import MLM
from fashionvl.objectives.matching import ITM, itm_loss
from fashionvl.objectives.reconstruction import MIR
from fashionvl.tasks import MVLTPretraining
from fashionvl.tasks.base import NonFiniteLossError

Draw = Callable[..., PairBatch]
MIXED = [1, 0, 1, 0, 0, 1]
OBJECTIVES: dict[str, Any] = {"itm": ITM(), "mlm": MLM(), "mir": MIR()}


class Watched(MVLTPretraining):
    """Keeps what it logs and the photographs its encoder is shown."""

    def __init__(self, network: MVLT, **arguments: Any) -> None:
        super().__init__(network, **arguments)
        self.logged: dict[str, Tensor] = {}
        self.shown: list[Tensor] = []
        encode = network.encode

        def watch(pixel_values: Tensor, *others: Any) -> Any:
            self.shown.append(pixel_values)
            return encode(pixel_values, *others)

        network.encode = watch  # type: ignore[method-assign, assignment]

    def log_all(self, split: str, values: dict[str, Any], size: int, on_step: bool = False) -> None:
        self.logged = {f"{split}/{name}": value for name, value in values.items()}


def _some(batch: PairBatch, keep: list[int]) -> PairBatch:
    return batch[torch.tensor(keep)]


def _masked_steps(task: Watched, batch: PairBatch, steps: int) -> list[bool]:
    """Mark the steps that saw the masked photographs; every other one has to have seen the whole ones."""
    assert batch.image_mask is not None
    masked = hide(batch.pixel_values, batch.image_mask)
    task.shown.clear()
    for step in range(steps):
        task.training_step(batch, step)
    assert all(torch.equal(seen, masked) or torch.equal(seen, batch.pixel_values) for seen in task.shown)
    return [torch.equal(seen, masked) for seen in task.shown]


@pytest.mark.parametrize(
    ("arguments", "masked"),
    [
        ({"views": "joint"}, [True] * 8),
        ({"views": "alternate"}, [False, True] * 4),
        ({"views": "alternate", "masked_every": 4}, [False, False, False, True] * 2),
        ({"views": "alternate", "masked_every": 1}, [True] * 8),
        ({"views": "joint", "mir": None}, [False] * 8),
    ],
)
def test_which_steps_see_hidden_pixels(
    network: MVLT, draw_pairs: Draw, arguments: dict[str, Any], masked: list[bool]
) -> None:
    assert _masked_steps(Watched(network, **arguments), draw_pairs([1, 0]), 8) == masked


def test_whole_photographs_are_reconstructed_only_when_asked(network: MVLT, draw_pairs: Draw) -> None:
    task = Watched(network, views="alternate", mir=MIR(on_clean=False))
    for step, expected in enumerate([False, True]):
        task.training_step(draw_pairs([1, 0]), step)
        assert ("train/mir" in task.logged) == expected
    task = Watched(network, views="alternate")
    task.training_step(draw_pairs([1, 0]), 0)
    assert "train/mir" in task.logged


def test_the_total_weighs_the_losses(network: MVLT, draw_pairs: Draw) -> None:
    task = Watched(network)
    total = task.training_step(draw_pairs(MIXED), 0)
    logged = task.logged
    expected = logged["train/itm"] + logged["train/mlm"] + 10 * logged["train/mir"]
    assert total.item() == pytest.approx(expected.item())
    halves = Watched(network, itm=ITM(weight=0.5), mlm=MLM(weight=2.0), mir=MIR(weight=3.0))
    total = halves.training_step(draw_pairs(MIXED), 0)
    expected = 0.5 * logged["train/itm"] + 2 * logged["train/mlm"] + 3 * logged["train/mir"]
    assert total.item() == pytest.approx(expected.item())


def test_hard_negatives_have_an_accuracy_of_their_own(network: MVLT, draw_pairs: Draw) -> None:
    network.eval()
    batch = draw_pairs([0, 0, 0, 1])
    with torch.no_grad():
        says = network.itm_logits(network.encode_pairs(batch).pooled).argmax(1)
    task = Watched(network, mlm=None, mir=None)
    for hard in ([True, False, True, False], [False] * 4):
        batch.hard_negatives = torch.tensor(hard)
        task.training_step(batch, 0)
        right = [int(said == 0) for said, counts in zip(says.tolist(), hard, strict=True) if counts]
        expected = sum(right) / max(len(right), 1)
        assert task.logged["train/itm_hard_accuracy"].item() == pytest.approx(expected)


def _whole(batch: PairBatch) -> Tensor:
    assert batch.mlm_labels is not None
    ids = batch.input_ids.clone()
    ids[:, 2:4] = batch.mlm_labels[:, 2:4]  # the two that `draw_pairs` masks
    return ids


@pytest.mark.parametrize(("step", "hidden"), [(0, False), (1, True), (None, False)])
def test_whole_captions_are_matched_beside_the_same_photographs(
    network: MVLT, draw_pairs: Draw, step: int | None, hidden: bool
) -> None:
    network.eval()
    batch = draw_pairs(MIXED)
    assert batch.image_mask is not None
    seen = hide(batch.pixel_values, batch.image_mask) if hidden else batch.pixel_values
    with torch.no_grad():
        logits = network.itm_logits(network.encode(seen, _whole(batch)).pooled)
        masked, _ = Watched(network, views="alternate").losses(batch, step)
        whole, scores = Watched(network, views="alternate", itm=ITM(text="whole")).losses(batch, step)
    assert whole["itm"].item() == pytest.approx(itm_loss(logits, batch.itm_labels).item())
    assert abs(whole["itm"] - masked["itm"]) > 1e-5
    assert scores["itm_accuracy"] == (logits.argmax(1) == batch.itm_labels).float().mean()
    for name in ("mlm", "mir"):
        assert torch.equal(whole[name], masked[name])


def test_both_captions_teach_when_whole_ones_are_matched(network: MVLT, draw_pairs: Draw) -> None:
    network.eval()
    batch = draw_pairs(MIXED)
    bare = dataclasses.replace(batch, input_ids=_whole(batch), mlm_labels=None)
    gradients = []
    for pairs, objectives in (
        (batch, {"itm": ITM(text="whole"), "mlm": MLM()}),
        (batch, {"itm": None, "mlm": MLM()}),
        (bare, {"itm": ITM(), "mlm": None}),
    ):
        network.zero_grad()
        network.requires_grad_(True)
        task = Watched(network, mir=None, **objectives)
        task.training_step(pairs, 0).backward()
        shared = [network.text_embeddings.word.weight, *network.encoder.parameters()]
        gradients.append([torch.zeros_like(w) if w.grad is None else w.grad.clone() for w in shared])
    for both, words, match in zip(*gradients, strict=True):
        torch.testing.assert_close(both, words + match)


@pytest.mark.parametrize(
    ("arguments", "training", "dev"),
    [
        ({"itm": ITM(text="whole")}, 2, 3),
        ({"itm": ITM(text="whole"), "mir": None}, 2, 2),
        ({"itm": None}, 1, 2),
        ({}, 1, 2),
    ],
)
def test_whole_captions_cost_one_forward_more(
    network: MVLT, draw_pairs: Draw, arguments: dict[str, Any], training: int, dev: int
) -> None:
    task = Watched(network, **arguments)
    for step, expected in ((0, training), (None, dev)):
        task.shown.clear()
        task.losses(draw_pairs([1, 0]), step)
        assert len(task.shown) == expected


def test_whole_captions_cost_nothing_without_masked_words(network: MVLT, draw_pairs: Draw) -> None:
    task = Watched(network, itm=ITM(text="whole"), mlm=None)
    batch = dataclasses.replace(draw_pairs([1, 0]), mlm_labels=None)
    task.training_step(batch, 0)
    assert len(task.shown) == 1


def test_mismatched_pairs_teach_matching_alone_when_asked(network: MVLT, draw_pairs: Draw) -> None:
    network.eval()
    batch = draw_pairs(MIXED)
    alone = Watched(network, on_negatives=False)
    alone.training_step(batch, 0)
    found = alone.logged
    everything = Watched(network)
    everything.training_step(_some(batch, [0, 2, 5]), 0)
    for name in ("mlm", "mir", "mlm_accuracy"):
        assert found[f"train/{name}"].item() == pytest.approx(everything.logged[f"train/{name}"].item())
    everything.training_step(batch, 0)
    assert found["train/itm"].item() == pytest.approx(everything.logged["train/itm"].item())
    for name in ("mlm", "mir"):
        assert abs(found[f"train/{name}"] - everything.logged[f"train/{name}"]) > 1e-5


@pytest.mark.parametrize("name", ["mlm", "mir"])
def test_no_gradient_comes_from_mismatched_pairs_when_asked(
    network: MVLT, draw_pairs: Draw, name: str
) -> None:
    network.eval()
    only = dict.fromkeys(OBJECTIVES) | {name: OBJECTIVES[name]}
    head = network.language if name == "mlm" else network.decoder
    gradients = []
    for task, batch in (
        (Watched(network, on_negatives=False, **only), draw_pairs(MIXED)),
        (Watched(network, **only), _some(draw_pairs(MIXED), [0, 2, 5])),
    ):
        network.zero_grad()
        task.training_step(batch, 0).backward()
        gradients.append([parameter.grad.clone() for parameter in head.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("decoder", ["unet", "partial"])
def test_a_batch_of_mismatched_pairs_is_no_accident(draw_pairs: Draw, network: MVLT, decoder: str) -> None:
    torch.manual_seed(0)
    fresh = MVLT(**(network.config | {"decoder": decoder}))
    task = Watched(fresh, on_negatives=False)
    task.training_step(draw_pairs([0, 0, 0]), 0).backward()
    assert task.logged["train/mlm"] == task.logged["train/mir"] == 0
    assert all(torch.isfinite(value).all() for value in fresh.state_dict().values())
    assert all(parameter.grad.isfinite().all() for parameter in fresh.matching.parameters())


COMBINATIONS = [on for size in (1, 2, 3) for on in itertools.combinations(OBJECTIVES, size)]


@pytest.mark.parametrize("on", COMBINATIONS, ids="+".join)
def test_an_objective_that_is_off_leaves_no_loss_and_rests_its_head(
    network: MVLT, draw_pairs: Draw, on: tuple[str, ...]
) -> None:
    off = {name: None for name in OBJECTIVES if name not in on}
    task = Watched(network, **off)
    task.training_step(draw_pairs(MIXED), 0).backward()
    for name, head in (("itm", network.matching), ("mlm", network.language), ("mir", network.decoder)):
        assert (f"train/{name}" in task.logged) == (name in on)
        assert {parameter.requires_grad for parameter in head.parameters()} == {name in on}
    corruption = task.corruption
    asked = {"mir": corruption.image, "mlm": corruption.text, "itm": corruption.pairing}
    assert {name for name, part in asked.items() if part is not None} == set(on)
    names = [test.name for test in task.tests]
    assert ("tir" in names, "mig" in names) == ("itm" in on, "mir" in on)
    for head in (network.category, network.subcategory):
        assert not any(parameter.requires_grad for parameter in head.parameters())


@pytest.mark.parametrize("on", COMBINATIONS, ids="+".join)
def test_everything_that_trains_gets_a_gradient(network: MVLT, draw_pairs: Draw, on: tuple[str, ...]) -> None:
    """DDP refuses a parameter that requires a gradient and gets none."""
    task = Watched(network, **{name: None for name in OBJECTIVES if name not in on})
    task.training_step(draw_pairs(MIXED), 0).backward()
    idle = [
        name for name, weight in network.named_parameters() if weight.requires_grad and weight.grad is None
    ]
    assert idle == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"itm": None, "mlm": None, "mir": None}, "at least one must be on"),
        ({"masked_every": 0}, r"masked_every: 0"),
        (
            {"itm": None, "mlm": None, "mir": MIR(on_clean=False), "views": "alternate"},
            r"mir\.on_clean",
        ),
    ],
)
def test_settings_without_a_loss_are_refused(network: MVLT, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MVLTPretraining(network, **arguments)


def test_dev_losses_match_on_whole_photographs_and_reconstruct_hidden_ones(
    network: MVLT, draw_pairs: Draw
) -> None:
    network.eval()
    batch = draw_pairs(MIXED)
    task = Watched(network)
    task.validation_step(batch, 0)
    dev = task.logged
    task.training_step(batch, 0)
    hidden = task.logged
    assert dev["dev/mir"].item() == pytest.approx(hidden["train/mir"].item())
    assert dev["dev/itm"].item() != pytest.approx(hidden["train/itm"].item(), abs=1e-7)
    whole = Watched(network, views="alternate")
    whole.training_step(batch, 0)
    for name in ("itm", "mlm", "itm_accuracy"):
        assert dev[f"dev/{name}"].item() == pytest.approx(whole.logged[f"train/{name}"].item())
    expected = dev["dev/itm"] + dev["dev/mlm"] + 10 * dev["dev/mir"]
    assert dev["dev/loss"].item() == pytest.approx(expected.item())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_with_all_one_needs(network: MVLT, value: float) -> None:
    task = MVLTPretraining(network)
    losses = {"itm": torch.tensor(0.5), "mir": torch.tensor(value)}
    with pytest.raises(NonFiniteLossError) as caught:
        task.halt_unless_finite(losses, torch.tensor([7, 11]), 3)
    message = str(caught.value)
    for part in (
        "epoch 0, step 0",
        f"itm=0.5, mir={value:g}",
        "rows of the batch: [7, 11]",
        "optimization.lr",
    ):
        assert part in message
    assert "\n" not in message
    task.halt_unless_finite({"itm": torch.tensor(0.5)}, torch.tensor([7, 11]), 3)


def test_a_step_with_a_broken_weight_stops(network: MVLT, draw_pairs: Draw) -> None:
    task = Watched(network)
    with torch.no_grad():
        network.matching.projection.bias[0] = float("nan")
    with pytest.raises(NonFiniteLossError, match=r"itm=nan.*rows of the batch: \[1000, 1001\]"):
        task.training_step(draw_pairs([1, 0]), 0)


@torch.no_grad()
def test_retrieval_and_generation_are_tested_side_by_side(network: MVLT, draw_pairs: Draw) -> None:
    network.eval()
    task = Watched(network)
    assert [test.name for test in task.tests] == ["tir", "itr", "mig"]
    drawn = draw_pairs([1] * 4)
    pairs = torch.tensor([[0, 1, 2], [3, 2, 1]])
    batch = RetrievalBatch(
        query_ids=torch.tensor([0, 1]),
        positive=torch.tensor([0, 0]),
        pixel_values=drawn.pixel_values,
        input_ids=drawn.input_ids,
        attention_mask=drawn.attention_mask,
        image_of_pair=pairs,
        text_of_pair=pairs[:, :1].expand(2, 3),
    )
    task.test_step(batch, 0, 0)
    task.test_step(batch, 0, 1)
    task.test_step(drawn, 0, 2)
    results = [test.results(network, None) for test in task.tests]
    found = {result.name: result.arrays for (result,) in results}
    scores = np.array(
        [[network.match(_some(_crossed(drawn, i, t), [0])).item() for i, t in zip(images, texts, strict=True)]
         for images, texts in zip(pairs.tolist(), batch.text_of_pair.tolist(), strict=True)]
    )  # fmt: skip
    expected = 1 + (scores > scores[:, :1]).sum(1)
    assert found["tir"]["rank"].tolist() == found["itr"]["rank"].tolist() == expected.tolist()
    assert drawn.image_mask is not None
    encoded = network.encode(hide(drawn.pixel_values, drawn.image_mask), drawn.input_ids)
    error = (network.reconstruct(encoded.visual).clamp(0, 1) - drawn.pixel_values).square().flatten(1).mean(1)
    np.testing.assert_allclose(found["mig"]["psnr"], -10 * np.log10(error.numpy()), rtol=1e-4)


def _crossed(batch: PairBatch, image: int, text: int) -> PairBatch:
    """The photograph of one pair with the caption of another."""
    pair = _some(batch, [image])
    return dataclasses.replace(
        pair, input_ids=batch.input_ids[[text]], attention_mask=batch.attention_mask[[text]]
    )


def test_generation_without_a_mask_is_a_mistake_of_the_code(network: MVLT, draw_pairs: Draw) -> None:
    task = Watched(network, itm=None)
    with pytest.raises(RuntimeError, match="without an image mask"):
        task.test_step(dataclasses.replace(draw_pairs([1]), image_mask=None), 0, 0)
