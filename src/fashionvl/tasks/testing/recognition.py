"""Recognition of main and sub-category (M-CR and S-CR; MVLT section 3.3, Kaleido-BERT section 4.2)."""

from typing import Any, cast

import numpy as np
from torch import Tensor, nn

from fashionvl.data.batches.corruption import CLEAN
from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.records import PairBatch
from fashionvl.errors import InputError
from fashionvl.evaluation.recognition import RecognitionScores
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.models.protocols import Recognises
from fashionvl.tasks.recognition_inputs import (
    INPUTS,
    LABELS,
    Input,
    named,
    recognised,
    require_inputs,
    targets_of,
)
from fashionvl.tasks.testing.base import Arrays, ProductBook, Result, Test
from fashionvl.tasks.testing.ranked import TOP
from fashionvl.tasks.testing.shown import shown


class RecognitionTest(Test):
    """The likeliest category and sub-category of every test photograph with its caption, or of one of them.

    Each input has protocols of its own: `m_cr` and `s_cr` from both, as in the papers, `m_cr_image` and
    `s_cr_image` from the photograph, `m_cr_text` and `s_cr_text` from the caption. Rows whose label is empty
    or unseen in training are left out of its scores; a label that no test row has gets none.
    """

    name = "recognition"

    def __init__(self, inputs: list[Input] | None = None) -> None:
        """Choose what is read.

        Args:
            inputs: one or more of `both`, `image` (with [CLS] for a caption) and `text`; None for `both`.
                Examples are kept of the first in this order. A model fine-tuned on both alone has seen no
                pair without a caption or a photograph, so that its scores from one input tell more about what
                it leans on than about what that input shows; see `Recognition(inputs=...)`.

        Raises:
            InputError: none is named, or one twice.
        """
        super().__init__()
        chosen: list[Input] = ["both"] if inputs is None else inputs
        if not chosen or len(set(chosen)) < len(chosen):
            raise InputError(
                f"RecognitionTest.inputs: {chosen}; name one or more of both, image and text, each once"
            )
        self.inputs = tuple(source for source in INPUTS if source in chosen)

    def prepare(self, network: nn.Module, data: FashionGenDataModule) -> None:
        """Count the network's labels.

        Raises:
            InputError: it does not recognise from these inputs, or no test row has a known label.
        """
        require_inputs(network, self.inputs, "RecognitionTest")
        ids = dict(zip(LABELS, (data.test_source.category, data.test_source.subcategory), strict=True))
        self._labelled = [label for label, found in ids.items() if (found >= 0).any()]
        if not self._labelled:
            raise InputError(
                f"{data.test_source.reader.source}: no row has a category or sub-category that the training "
                "file knows, so nothing can be recognised; run retrieval or pre-training instead"
            )
        known = cast(Recognises, network)
        classes = dict(zip(LABELS, (known.categories, known.subcategories), strict=True))
        self.scores = nn.ModuleDict(
            {
                named(label, source): RecognitionScores(classes[label])
                for source in self.inputs
                for label in self._labelled
            }
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
        targets = targets_of(batch)
        for source in self.inputs:
            found = recognised(network, batch, source)
            logits = {label: values.float() for label, values in zip(LABELS, found, strict=True)}
            for label in self._labelled:
                known = targets[label] != IGNORED_LABEL
                if known.any():
                    self._metrics()[named(label, source)].update(
                        logits[label].argmax(-1)[known], targets[label][known], batch.rows[known]
                    )
            if source == self.inputs[0]:
                self._keep(batch, logits, targets)

    def _keep(self, batch: PairBatch, logits: dict[str, Tensor], targets: dict[str, Tensor]) -> None:
        """Keep examples."""
        for position in self._book.new(batch.product_id):
            probabilities = {
                name: value[position].softmax(-1).cpu().numpy() for name, value in logits.items()
            }
            true = {name: int(value[position]) for name, value in targets.items()}
            self._shown.append((int(batch.rows[position]), probabilities, true))

    def results(self, network: nn.Module, data: FashionGenDataModule) -> list[Result]:
        """Return accuracy and macro-F of both labels, from each input."""
        return [
            Result(name, metric.compute(), metric.per_query()) for name, metric in self._metrics().items()
        ]

    def _metrics(self) -> dict[str, RecognitionScores]:
        return {name: cast(RecognitionScores, metric) for name, metric in self.scores.items()}

    def examples(self, data: FashionGenDataModule) -> dict[str, Arrays]:
        """Return photographs, captions and the five likeliest names of each label."""
        if not self._shown:
            return {}
        rows = [row for row, _, _ in self._shown]
        arrays: Arrays = {
            "images": shown(data.test_image(row) for row in rows).images,
            "captions": np.array([data.test_caption(row) for row in rows]),
        }
        for name, names in zip(LABELS, (data.categories.names, data.subcategories.names), strict=True):
            probabilities = np.stack([found[name] for _, found, _ in self._shown])[:, : len(names)]
            order = np.argsort(-probabilities, axis=1)[:, :TOP]
            arrays[f"{name}_names"] = np.array(names)[order]
            arrays[f"{name}_probabilities"] = np.take_along_axis(probabilities, order, axis=1)
            targets = [true[name] for _, _, true in self._shown]
            arrays[f"{name}_target"] = np.array(
                [names[label] if label != IGNORED_LABEL else "(unknown)" for label in targets]
            )
        return {"recognition": arrays}
