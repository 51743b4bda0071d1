"""Recognition from photograph and caption, and from one of them alone."""

import re
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fashionvl.data.records import PairBatch, Patches
from fashionvl.errors import InputError
from fashionvl.models.kaleido_bert import KaleidoBERT
from fashionvl.models.mvlt import MVLT
from fashionvl.tasks import Recognition
from fashionvl.tasks.recognition_inputs import INPUTS, Input, recognised
from fashionvl.tasks.testing import RecognitionTest

Draw = Callable[..., PairBatch]
NAMES = ["m_cr", "s_cr", "m_cr_image", "s_cr_image", "m_cr_text", "s_cr_text"]


class Together(nn.Module):
    """Recognises from both only."""

    categories, subcategories = 3, 2

    def recognise(self, batch: Any) -> Any:
        raise NotImplementedError

    def heads(self) -> dict[str, nn.Module]:
        return {}


@pytest.mark.parametrize(("source", "image_counts", "text_counts"), [
    ("both", True, True), ("image", True, False), ("text", False, True),
])  # fmt: skip
def test_what_is_not_an_input_does_not_count(
    network: MVLT, draw_pairs: Draw, source: Input, image_counts: bool, text_counts: bool
) -> None:
    network.eval()
    batch, other = draw_pairs([1] * 4), draw_pairs([1] * 4, seed=1)
    before = torch.cat(recognised(network, batch, source), 1)
    for changed, counts in (
        (replace(batch, pixel_values=other.pixel_values), image_counts),
        (replace(batch, input_ids=other.input_ids), text_counts),
    ):
        after = torch.cat(recognised(network, changed, source), 1)
        assert (after != before).any() == counts


def test_each_input_learns_from_its_share_of_the_batch(network: MVLT, draw_pairs: Draw) -> None:
    task, batch = Recognition(network, inputs="all"), draw_pairs([1] * 7)
    losses, hits = task.losses(batch, 0)
    assert list(losses) == NAMES
    assert list(hits) == [f"{name}_accuracy" for name in NAMES]
    expected = []
    for place, source in enumerate(INPUTS):
        rows = list(range(7))[place::3]
        category, subcategory = recognised(network, batch[torch.tensor(rows)], source)
        expected += [
            F.cross_entropy(category, batch.category[rows]),
            F.cross_entropy(subcategory, batch.subcategory[rows]),
        ]
    torch.testing.assert_close(list(losses.values()), expected)
    torch.testing.assert_close(task.total(losses), torch.stack(expected).sum() / 3)


def test_every_input_sees_the_whole_dev_batch(network: MVLT, draw_pairs: Draw) -> None:
    batch = draw_pairs([1] * 5)
    losses, _ = Recognition(network, inputs="all").losses(batch, None)
    alone, _ = Recognition(network, inputs="image").losses(batch, 0)
    assert list(alone) == ["m_cr_image", "s_cr_image"]
    torch.testing.assert_close(losses["s_cr_image"], alone["s_cr_image"])


def _kaleido(pairs: PairBatch) -> tuple[KaleidoBERT, PairBatch]:
    network = KaleidoBERT(
        vocab_size=40, hidden_size=16, layers=1, heads=2, intermediate_size=16, text_positions=6,
        patch_width=6, categories=5, subcategories=7,
    )  # fmt: skip
    count = len(pairs)
    patches = Patches(torch.rand(count, network.grid.patches, 6), torch.rand(count, network.grid.patches, 5))
    return network, replace(pairs, pixel_values=torch.empty(count, 0), patches=patches)


@pytest.mark.parametrize("subject", ["mvlt", "kaleido_bert"])
def test_all_inputs_together_leave_no_weight_without_a_gradient(
    subject: str, network: MVLT, draw_pairs: Draw
) -> None:
    trained, batch = (network, draw_pairs([1] * 3)) if subject == "mvlt" else _kaleido(draw_pairs([1] * 3))
    task = Recognition(trained, inputs="all")
    task.total(task.losses(batch, 0)[0]).backward()
    assert [name for name, one in trained.named_parameters() if one.requires_grad and one.grad is None] == []


@pytest.mark.parametrize(("inputs", "tested"), [
    ("both", ("both",)), ("image", ("image",)), ("text", ("text",)), ("all", INPUTS),
])  # fmt: skip
def test_what_was_trained_is_tested(network: MVLT, inputs: Any, tested: tuple[Input, ...]) -> None:
    (test,) = Recognition(network, inputs=inputs).tests
    assert isinstance(test, RecognitionTest)
    assert test.inputs == tested


def test_other_tests_may_be_named(network: MVLT) -> None:
    (test,) = Recognition(network, tests=[RecognitionTest(["text", "both"])]).tests
    assert isinstance(test, RecognitionTest)
    assert test.inputs == ("both", "text")


@pytest.mark.parametrize(("inputs", "lacking"), [
    ("image", "from image; it lacks recognise_image of RecognisesImages"),
    ("text", "from text; it lacks recognise_text of RecognisesTexts"),
    ("all", "from both, image, text; it lacks recognise_image of RecognisesImages and recognise_text of"),
])  # fmt: skip
def test_a_network_without_the_path_is_told_which(inputs: Any, lacking: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"Together cannot serve Recognition {lacking}")) as caught:
        Recognition(Together(), inputs=inputs)
    assert "\n" not in str(caught.value)


def test_a_test_of_a_path_that_is_not_there_is_refused_before_training() -> None:
    with pytest.raises(InputError, match="Together cannot serve RecognitionTest from image; it lacks recogn"):
        RecognitionTest(["image"]).prepare(Together(), SimpleNamespace())  # type: ignore[arg-type]


@pytest.mark.parametrize("inputs", [[], ["image", "text", "image"]])
def test_inputs_are_named_once(inputs: list[Input]) -> None:
    with pytest.raises(InputError, match=re.escape(f"RecognitionTest.inputs: {inputs}; name one or more")):
        RecognitionTest(inputs)


def test_a_batch_has_a_pair_for_each_input(network: MVLT) -> None:
    task = Recognition(network, inputs="all")
    task.data = SimpleNamespace(  # type: ignore[assignment]
        batch_size=2, tokenizer=range(40), max_tokens=6, kaleido=None
    )
    with pytest.raises(InputError, match=r"batch_size: 2 pairs cannot be shared out among 3 inputs"):
        task.check_data()
