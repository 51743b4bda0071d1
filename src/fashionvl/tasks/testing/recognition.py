"""Recognition of main and sub-category (M-CR and S-CR; MVLT section 3.3, Kaleido-BERT section 4.2)."""

from typing import Any, cast

import numpy as np
from torch import nn

from fashionvl.data.batches.corruption import CLEAN
from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.records import PairBatch
from fashionvl.errors import InputError
from fashionvl.evaluation.recognition import RecognitionScores
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.models.protocols import Recognises, require
from fashionvl.tasks.testing.base import Arrays, ProductBook, Result, Test
from fashionvl.tasks.testing.ranked import TOP
from fashionvl.tasks.testing.shown import shown


class RecognitionTest(Test):
    """The likeliest category and sub-category of every test photograph with its caption.

    Rows whose label is empty or unseen in training are left out of its scores; a label that no test row has
    gets none.
    """

    name = "recognition"

    def prepare(self, network: nn.Module, data: FashionGenDataModule) -> None:
        """Count the network's labels.

        Raises:
            InputError: it recognises nothing, or no test row has a known label.
        """
        require(network, Recognises, "RecognitionTest")
        ids = {"m_cr": data.test_source.category, "s_cr": data.test_source.subcategory}
        self._labelled = [name for name, labels in ids.items() if (labels >= 0).any()]
        if not self._labelled:
            raise InputError(
                f"{data.test_source.reader.source}: no row has a category or sub-category that the training "
                "file knows, so nothing can be recognised; run retrieval or pre-training instead"
            )
        known = cast(Recognises, network)
        self.scores = nn.ModuleDict(
            {"m_cr": RecognitionScores(known.categories), "s_cr": RecognitionScores(known.subcategories)}
        )
        self.forget()

    def forget(self) -> None:
        """Drop what an earlier pass left."""
        super().forget()
        self._book = ProductBook()
        self._shown: list[tuple[int, Arrays, dict[str, int]]] = []

    def loader(self, data: FashionGenDataModule) -> Any:
        """Return every test pair once."""
        return data.each_once(data.pairs("test", CLEAN, seed=0))

    def step(self, network: nn.Module, batch: PairBatch) -> None:
        """Collect predictions."""
        category, subcategory = cast(Recognises, network).recognise(batch)
        logits = {"m_cr": category.float(), "s_cr": subcategory.float()}
        targets = {"m_cr": batch.category, "s_cr": batch.subcategory}
        for name, metric in self._metrics().items():
            known = targets[name] != IGNORED_LABEL
            if known.any():
                metric.update(logits[name].argmax(-1)[known], targets[name][known], batch.rows[known])
        for position in self._book.new(batch.product_id):
            probabilities = {
                name: value[position].softmax(-1).cpu().numpy() for name, value in logits.items()
            }
            true = {name: int(value[position]) for name, value in targets.items()}
            self._shown.append((int(batch.rows[position]), probabilities, true))

    def results(self, network: nn.Module, data: FashionGenDataModule) -> list[Result]:
        """Return accuracy and macro-F of both labels."""
        return [
            Result(name, metric.compute(), metric.per_query()) for name, metric in self._metrics().items()
        ]

    def _metrics(self) -> dict[str, RecognitionScores]:
        return {name: cast(RecognitionScores, self.scores[name]) for name in self._labelled}

    def examples(self, data: FashionGenDataModule) -> dict[str, Arrays]:
        """Return photographs, captions and the five likeliest names of each label."""
        if not self._shown:
            return {}
        rows = [row for row, _, _ in self._shown]
        arrays: Arrays = {
            "images": shown(data.test_image(row) for row in rows).images,
            "captions": np.array([data.test_caption(row) for row in rows]),
        }
        for name, names in (("m_cr", data.categories.names), ("s_cr", data.subcategories.names)):
            probabilities = np.stack([found[name] for _, found, _ in self._shown])[:, : len(names)]
            order = np.argsort(-probabilities, axis=1)[:, :TOP]
            arrays[f"{name}_names"] = np.array(names)[order]
            arrays[f"{name}_probabilities"] = np.take_along_axis(probabilities, order, axis=1)
            targets = [true[name] for _, _, true in self._shown]
            arrays[f"{name}_target"] = np.array(
                [names[label] if label != IGNORED_LABEL else "(unknown)" for label in targets]
            )
        return {"recognition": arrays}
