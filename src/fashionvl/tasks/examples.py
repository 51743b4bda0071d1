"""A few test examples as plain arrays, for the report's pictures."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.records import PairBatch

SHOWN = 8
"""Examples kept of each kind."""

TOP = 5
"""Ranked answers shown, as in Figs. 5 and 6 of MVLT."""


class ExampleBook:
    """Collects the first examples of each test protocol and writes one `.npz` a protocol."""

    def __init__(self) -> None:
        self._products: set[int] = set()
        self._queries: dict[str, list[tuple[int, np.ndarray]]] = {}
        self._images: dict[str, list[np.ndarray]] = {}
        self._predictions: list[tuple[int, dict[str, np.ndarray], dict[str, int]]] = []

    def add_queries(self, protocol: str, query_ids: Tensor, scores: Tensor) -> None:
        """Keep scored candidate lists: `[Q]` query numbers and `[Q, C]` logits."""
        kept = self._queries.setdefault(protocol, [])
        for query, row in zip(query_ids.tolist(), scores, strict=True):
            if len(kept) < SHOWN:
                kept.append((query, row.sigmoid().cpu().numpy()))

    def add_images(self, product_id: Tensor, **images: Tensor) -> None:
        """Keep what belongs together, one photograph a product.

        Args:
            product_id: `[B]`.
            images: by name, `[B, 3, H, W]` float in [0, 1], kept as bytes, or `[B, 1, H, W]` bool.
        """
        for position in self._new_products(product_id):
            for name, batch in images.items():
                self._images.setdefault(name, []).append(_stored(batch[position]))

    def add_predictions(self, batch: PairBatch, logits: dict[str, Tensor]) -> None:
        """Keep class probabilities of main and sub-category with their targets, one photograph a product."""
        for position in self._new_products(batch.product_id):
            probabilities = {
                name: value[position].softmax(-1).cpu().numpy() for name, value in logits.items()
            }
            targets = {"m_cr": int(batch.category[position]), "s_cr": int(batch.subcategory[position])}
            self._predictions.append((int(batch.rows[position]), probabilities, targets))

    def _new_products(self, product_id: Tensor) -> list[int]:
        """Positions in the batch of products not shown yet, as far as there is room."""
        new: list[int] = []
        for position, product in enumerate(product_id.tolist()):
            if len(self._products) < SHOWN and product not in self._products:
                self._products.add(product)
                new.append(position)
        return new

    @torch.no_grad()
    def save(self, folder: Path, data: FashionGenDataModule) -> None:
        """Write `tir.npz`, `itr.npz`, `mig.npz`, `recognition.npz`, as far as there is anything to show."""
        folder.mkdir(parents=True, exist_ok=True)
        for protocol, kept in self._queries.items():
            np.savez_compressed(folder / f"{protocol}.npz", **self._ranked(protocol, kept, data))
        if self._images:
            stacked: dict[str, Any] = {name: np.stack(images) for name, images in self._images.items()}
            np.savez_compressed(folder / "mig.npz", **stacked)
        if self._predictions:
            np.savez_compressed(folder / "recognition.npz", **self._recognised(data))

    @staticmethod
    def _ranked(
        protocol: str, kept: list[tuple[int, np.ndarray]], data: FashionGenDataModule
    ) -> dict[str, Any]:
        """Query, its best candidates with probabilities, and which of them is the match; images as stored."""
        candidates = data.candidates(protocol)  # type: ignore[arg-type]
        numbers = [query for query, _ in kept]
        best = np.stack([np.argsort(-scores, kind="stable")[:TOP] for _, scores in kept])
        rows = np.take_along_axis(candidates.candidate_rows[numbers], best, axis=1)
        query_rows = candidates.query_rows[numbers]
        texts, images = (query_rows[:, None], rows) if protocol == "tir" else (rows, query_rows[:, None])
        return {
            "captions": np.array([[data.test_caption(row) for row in line] for line in texts]),
            "images": np.array([[data.test_image(row) for row in line] for line in images]),
            "probabilities": np.stack([scores[order] for (_, scores), order in zip(kept, best, strict=True)]),
            "matched": best == candidates.positive[numbers][:, None],
        }

    def _recognised(self, data: FashionGenDataModule) -> dict[str, Any]:
        """Photograph, caption and the five likeliest names of each label."""
        rows = [row for row, _, _ in self._predictions]
        arrays: dict[str, Any] = {
            "images": np.stack([data.test_image(row) for row in rows]),
            "captions": np.array([data.test_caption(row) for row in rows]),
        }
        for name, names in (("m_cr", data.categories.names), ("s_cr", data.subcategories.names)):
            probabilities = np.stack([found[name] for _, found, _ in self._predictions])[:, : len(names)]
            order = np.argsort(-probabilities, axis=1)[:, :TOP]
            arrays[f"{name}_names"] = np.array(names)[order]
            arrays[f"{name}_probabilities"] = np.take_along_axis(probabilities, order, axis=1)
            arrays[f"{name}_target"] = np.array([names[targets[name]] for _, _, targets in self._predictions])
        return arrays


def _stored(image: Tensor) -> np.ndarray:
    """`[H, W, 3]` uint8 of an image in [0, 1], `[H, W]` bool of a mask."""
    if image.dtype == torch.bool:
        return image[0].cpu().numpy()
    return (image.permute(1, 2, 0) * 255).round().clamp(0, 255).byte().cpu().numpy()
