"""Fashion captioning (FC; Kaleido-BERT section 4.2, task 4): captions of test products, scored."""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor, nn

from fashionvl.data.batches.corruption import CLEAN
from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.records import PairBatch, Patches
from fashionvl.evaluation.captioning import CaptionScores
from fashionvl.tasks.kaleido.caption_text import caption_texts
from fashionvl.tasks.testing.base import SHOWN, Arrays, Result, Test
from fashionvl.tasks.testing.shown import shown


class CaptionTest(Test):
    """One caption for the first photograph of each product, compared with the product's own."""

    name = "captioning"

    def __init__(self, write: Callable[[Patches], Tensor]) -> None:
        """Name the writer.

        Args:
            write: writes captions `[B, T]`, token ids behind [CLS], of the patches of photographs.
        """
        super().__init__()
        self.write = write
        self.scores = CaptionScores()
        self.forget()

    def forget(self) -> None:
        """Drop what an earlier pass left."""
        super().forget()
        self._generated: dict[int, str] = {}

    def prepare(self, network: nn.Module, data: FashionGenDataModule) -> None:
        """Keep what captions are spelled and compared with."""
        self._data = data

    def loader(self, data: FashionGenDataModule) -> Any:
        """Return one photograph a product."""
        dataset = data.pairs("test", CLEAN, seed=0)
        firsts = np.unique(data.index_of("validation").product_id, return_index=True)[1]
        dataset.rows = data.spread(firsts, data.captioned_images or len(firsts))
        return data.each_once(dataset)

    def step(self, network: nn.Module, batch: PairBatch) -> None:
        """Caption the photographs and collect what their products' captions are."""
        assert batch.patches is not None  # checked by the task
        generated = caption_texts(self._data.tokenizer, self.write(batch.patches))
        references = [product_captions(self._data, int(row)) for row in batch.rows]
        self.scores.update(generated, references, batch.rows)
        for row, text in zip(batch.rows.tolist(), generated, strict=True):
            if len(self._generated) < SHOWN:
                self._generated[row] = text

    def results(self, network: nn.Module, data: FashionGenDataModule) -> list[Result]:
        """Return scores in percent, and every caption's."""
        return [Result(self.name, self.scores.compute(), self.scores.per_query())]

    def examples(self, data: FashionGenDataModule) -> dict[str, Arrays]:
        """Return `images [8, H, W, 3]` as stored, `reference` and `generated` captions."""
        if not self._generated:
            return {}
        arrays = {
            "images": shown(data.test_image(row) for row in self._generated).images,
            "reference": np.array([data.test_caption(row) for row in self._generated]),
            "generated": np.array(list(self._generated.values())),
        }
        return {self.name: arrays}


def product_captions(data: FashionGenDataModule, row: int) -> list[str]:
    """The distinct captions of the product on a test photograph; in Fashion-Gen one, its description."""
    products = np.asarray(data.index_of("validation").product_id)
    rows = np.flatnonzero(products == products[row])
    return list(dict.fromkeys(data.test_caption(int(other)) for other in rows))
