"""Recognition: accuracy and macro-F in both conventions of the literature, and SumC."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from fashionvl.errors import InputError
from fashionvl.evaluation.rows import RowMetric


def macro_f(predicted: np.ndarray, target: np.ndarray, classes: int) -> tuple[float, float]:
    """Mean F1 over classes, in the two conventions that the compared papers use.

    F1 of a class is `2 tp / (2 tp + fp + fn)`, and 0 for a class that is neither present nor predicted.

    Args:
        predicted: `[N]` class ids in `0 .. classes - 1`.
        target: `[N]` class ids in `0 .. classes - 1`.
        classes: Number of classes the model can predict.

    Returns:
        The mean over classes that occur in `target` or `predicted` (MVLT's released code, scikit-learn's
        default), and the mean over all classes (Kaleido-BERT's released code): a class absent from the test
        set counts as 0.
    """
    hit = np.bincount(target[predicted == target], minlength=classes)
    seen = np.bincount(predicted, minlength=classes) + np.bincount(target, minlength=classes)
    scores = 2 * hit / np.maximum(seen, 1)
    return float(scores[seen > 0].mean()), float(scores.mean())


class RecognitionScores(RowMetric):
    """Accuracy, macro-F and SumC of one classification task (M-CR or S-CR).

    Args:
        classes: Number of classes the model can predict.
        settings: Passed on to `torchmetrics.Metric`.
    """

    def __init__(self, classes: int, **settings: Any) -> None:
        super().__init__(width=2, dtype=torch.int64, **settings)
        self.classes = classes

    def update(self, predicted: Tensor, target: Tensor, ids: Tensor | None = None) -> None:
        """Add B examples.

        Args:
            predicted: `[B]` int64 class ids.
            target: `[B]` int64 class ids.
            ids: `[B]` int64, >= 0. An example seen twice is counted once; without ids, all are counted.

        Raises:
            InputError: If a class id is outside `0 .. classes - 1`, or the shapes differ.
        """
        if predicted.ndim != 1 or predicted.shape != target.shape:
            raise InputError(
                f"predicted: shape {list(predicted.shape)}, target {list(target.shape)}; use [B], [B]"
            )
        for name, values in (("predicted", predicted), ("target", target)):
            outside = values[(values < 0) | (values >= self.classes)]
            if len(outside):
                raise InputError(f"{name}: class id {int(outside[0])} is outside 0 .. {self.classes - 1}")
        self._append(ids, torch.stack([predicted, target], dim=1))

    def compute(self) -> dict[str, float]:
        """Scores over all examples of all processes.

        Returns:
            `accuracy` in percent; `macro_f` (classes present) and `macro_f_all` (all classes) in [0, 1], as
            the papers print them; `sum_c`, accuracy + 100 * macro_f (MVLT Table 2, caption); `n` examples.
        """
        _, rows = self._distinct()
        predicted, target = rows.numpy().T
        accuracy = 100 * float((predicted == target).mean())
        present, over_all = macro_f(predicted, target, self.classes)
        return {
            "accuracy": accuracy,
            "macro_f": present,
            "macro_f_all": over_all,
            "sum_c": accuracy + 100 * present,
            "n": len(target),
        }

    def per_query(self) -> dict[str, np.ndarray]:
        """Return each example's prediction, for intervals and paired tests; every process has to call it.

        Returns:
            `id` (-1 where none was given), `predicted` and `target`, each `[N]` int64, by ascending id.
        """
        ids, rows = self._gather()
        return {"id": ids.numpy(), "predicted": rows[:, 0].numpy(), "target": rows[:, 1].numpy()}
