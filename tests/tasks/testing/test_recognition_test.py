"""Recognition leaves out what cannot be known."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fashionvl.errors import InputError
from fashionvl.tasks.recognition_inputs import Input
from fashionvl.tasks.testing import RecognitionTest


class Knows(nn.Module):
    """Three categories and two sub-categories; always answers the first."""

    categories, subcategories = 3, 2

    def recognise(self, batch: Any) -> tuple[torch.Tensor, torch.Tensor]:
        rows = len(batch.category)
        return torch.eye(3)[:1].expand(rows, 3), torch.eye(2)[:1].expand(rows, 2)

    def recognise_image(self, images: Any, first: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Answers the second."""
        rows = len(first)
        return torch.eye(3)[1:2].expand(rows, 3), torch.eye(2)[1:].expand(rows, 2)


def _test(category: list[int], subcategory: list[int], inputs: list[Input] | None = None) -> RecognitionTest:
    data = SimpleNamespace(
        test_source=SimpleNamespace(
            category=np.array(category),
            subcategory=np.array(subcategory),
            reader=SimpleNamespace(source=Path("validation.h5")),
        ),
        test_image=lambda row: np.zeros((4 + row, 4, 3), np.uint8),
        test_caption=str,
        categories=SimpleNamespace(names=("A", "B", "C")),
        subcategories=SimpleNamespace(names=("a", "b")),
    )
    test = RecognitionTest(inputs)
    test.prepare(Knows(), data)  # type: ignore[arg-type]
    batch = SimpleNamespace(
        images=None,
        input_ids=torch.ones(len(category), 2, dtype=torch.int64),
        category=torch.tensor(category).clamp(min=-100),
        subcategory=torch.tensor(subcategory).clamp(min=-100),
        rows=torch.arange(len(category)),
        product_id=torch.arange(len(category)),
    )
    test.step(Knows(), batch)  # type: ignore[arg-type]
    test.data = data  # type: ignore[assignment]
    return test


def test_rows_without_a_known_label_do_not_count() -> None:
    test = _test([0, 1, -100, -102], [1, -100, 0, 0])
    found = {result.name: result.scores for result in test.results(Knows(), test.data)}  # type: ignore[arg-type]
    assert (found["m_cr"]["n"], found["m_cr"]["accuracy"]) == (2, 50)
    assert (found["s_cr"]["n"], found["s_cr"]["accuracy"]) == (3, pytest.approx(200 / 3))
    shown = test.examples(test.data)["recognition"]  # type: ignore[arg-type]
    assert shown["m_cr_target"].tolist() == ["A", "B", "(unknown)", "(unknown)"]
    assert shown["images"].shape == (4, 7, 7, 3)


def test_each_input_has_scores_of_its_own_and_both_are_shown_before_one() -> None:
    test = _test([0, 1, 1], [1, 1, -100], ["image", "both"])
    found = {result.name: result.scores for result in test.results(Knows(), test.data)}  # type: ignore[arg-type]
    assert {name: scores["n"] for name, scores in found.items()} == {
        "m_cr": 3, "s_cr": 2, "m_cr_image": 3, "s_cr_image": 2,
    }  # fmt: skip
    assert found["m_cr_image"]["accuracy"] == pytest.approx(200 / 3)
    assert (found["s_cr_image"]["accuracy"], found["s_cr"]["accuracy"]) == (100, 0)
    assert found["m_cr"]["accuracy"] == pytest.approx(100 / 3)
    shown = test.examples(test.data)["recognition"]  # type: ignore[arg-type]
    assert shown["m_cr_names"][:, 0].tolist() == ["A", "A", "A"]
    alone = _test([0, 1], [1, 1], ["image"])
    shown = alone.examples(alone.data)["recognition"]  # type: ignore[arg-type]
    assert shown["m_cr_names"][:, 0].tolist() == ["B", "B"]


def test_a_label_that_no_row_has_gets_no_score() -> None:
    test = _test([0, 1], [-100, -100])
    assert [result.name for result in test.results(Knows(), test.data)] == ["m_cr"]  # type: ignore[arg-type]


def test_a_test_file_without_known_labels_is_refused_before_training() -> None:
    with pytest.raises(InputError, match=r"validation\.h5: no row has a category or sub-category that"):
        _test([-100, -101], [-100, -100])
