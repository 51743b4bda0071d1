"""Photographs as kaleido patches: plain for tests and fine-tuning, transformed for the AKPM sub-tasks."""

import copy
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch

from fashionvl.data.index.catalogue import CatalogueIndex
from fashionvl.data.preparation import PatchPreparation
from fashionvl.data.records import KaleidoTargets, Patches
from fashionvl.data.visual.alignments import Alignments
from fashionvl.data.visual.corruption import PatchCorruption
from fashionvl.data.visual.crops import CropSource
from fashionvl.data.visual.features import FeatureCache
from fashionvl.errors import InputError, check_range
from fashionvl.masking.alignment import Chosen
from fashionvl.patches.crops import Variants
from fashionvl.patches.grid import KaleidoGrid, grown
from fashionvl.patches.overlap import best_patches

PERMUTATIONS = np.array(list(permutations(range(4))))
"""The jigsaw's classes, lexicographic: slot j of permutation i shows patch `PERMUTATIONS[i, j]`. The released
code does not say how its 24 classes are numbered."""

ALIGNED_LEVELS = (3, 4, 5)
"""AGM works on these (Kaleido-BERT section 3.4)."""

NO_PAIRS = np.empty((0, 3), np.int64)


@dataclass(frozen=True)
class Kaleido:
    """Let photographs come as kaleido patches.

    Attributes:
        features: folder of a feature cache with `train` and `validation`, as `fashionvl predict` wrote it for
            features.yaml.
        alignments: folder of token-region alignments, as written for align.yaml; None: no token is aligned.
        online: cut the patches anew at every step, for a task with a backbone of its own; the boxes are then
            those of `features`, or without it the non-white boxes of the index.
        patch_size: height and width of a patch cut online, pixels.
        levels: grids of an online run without a cache.
        position_unit: of the patch boxes; the paper does not say, the released schema holds integers.
    """

    features: str | None = None
    alignments: str | None = None
    online: bool = False
    patch_size: int = 224
    levels: tuple[int, ...] = (1, 2, 3, 4, 5)
    position_unit: Literal["normalised", "pixel"] = "normalised"

    def __post_init__(self) -> None:
        if self.features is None and not self.online:
            raise InputError(
                "data.init_args.kaleido.features: name the feature cache, or set kaleido.online to true"
            )
        check_range("data.init_args.kaleido.patch_size", self.patch_size, 1)
        if not self.levels or min(self.levels) < 1:
            raise InputError(f"data.init_args.kaleido.levels: {self.levels} must be numbers of at least 1")

    def open_features(self, split: str, fingerprint: str, rows: int) -> FeatureCache | None:
        """The cache of one split; None where there is none.

        Args:
            split: `train` or `validation`.
            fingerprint: of the file's content.
            rows: of the file.

        Raises:
            InputError: it is missing, damaged, or of other data.
        """
        if self.features is None:
            return None
        # Of a cache that only lends its boxes: the crops are to be those it was made from.
        patch_size = self.patch_size if self.online else None
        return FeatureCache(Path(self.features) / split, fingerprint, rows, patch_size=patch_size)


class TakesVariants(Protocol):
    """Source of patches: a cache of features, or photographs to cut."""

    def take(self, rows: np.ndarray, variants: np.ndarray) -> np.ndarray:
        """`[B, K, ...]` of rows `[B, K]` and variants `[B, K]`."""


class PatchSource:
    """The kaleido patches of one split."""

    def __init__(self, spec: Kaleido, split: str, index: CatalogueIndex, tokenizer: str) -> None:
        """Open cache and alignments.

        Args:
            spec: where they are.
            split: `train` or `validation`.
            index: of the file.
            tokenizer: fingerprint of the tokenizer in use.

        Raises:
            InputError: a cache or alignments of other data, or damaged.
        """
        cache = spec.open_features(split, index.fingerprint, len(index))
        self.grid = KaleidoGrid(cache.facts.levels if cache else spec.levels)
        self.variants = Variants(self.grid)
        self._frames, self._unit = index.frames, spec.position_unit
        self._reader = index.reader
        self.boxes = self._grown(cache.boxes if cache else index.boxes)
        self._from: TakesVariants = CropSource(index.reader, self.boxes, self.grid, spec.patch_size)
        self.width: int | None = None
        self._cached = cache.facts if cache else None
        self._patch_size = spec.patch_size if spec.online or cache is None else cache.facts.patch_size
        if cache and not spec.online:
            self._from, self.width = cache, cache.facts.width
        self._alignments = None
        if spec.alignments:
            self._alignments = Alignments(
                Path(spec.alignments) / split, index.fingerprint, tokenizer, len(index)
            )

    def _grown(self, boxes: np.ndarray) -> np.ndarray:
        """The boxes as the patches were cut: those too small for the finest level, enlarged."""
        boxes, side = boxes.astype(np.int64), max(self.grid.levels)
        for row in np.flatnonzero(np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) < side):
            x0, y0, x1, y1 = boxes[row].tolist()
            width, height = self._frames[row].tolist()
            boxes[row] = grown((x0, y0, x1, y1), side, (width, height))
        return boxes

    def as_crops(self, size: int) -> "PatchSource":
        """The same patches as pictures: crops `[B, P, 3, size, size]` uint8 in place of features."""
        other = copy.copy(self)
        other._from = CropSource(self._reader, self.boxes, self.grid, size)
        return other

    def preparation(self, backbone: str | None) -> PatchPreparation:
        """Describe the conversion of a photograph into these patches.

        Args:
            backbone: digest of the task's backbone; None: the features are the cache's.
        """
        cached = self._cached
        return PatchPreparation(
            self.grid.levels,
            self._patch_size,
            self._unit,
            cached.foreground if cached else "nonwhite",
            backbone or (cached.backbone if cached else ""),
            "float32" if backbone else "float16",
        )

    def plain(self, rows: np.ndarray) -> Patches:
        """The patches of `rows` `[B]` as they are."""
        variants = np.broadcast_to(np.arange(self.grid.patches), (len(rows), self.grid.patches))
        return self._patches(rows, np.broadcast_to(rows[:, None], variants.shape), variants)

    def _patches(self, shown: np.ndarray, rows: np.ndarray, variants: np.ndarray) -> Patches:
        """Patches at the places of photographs `shown` `[B]`, taken from `rows` and `variants` `[B, P]`."""
        places = self.grid.positions(self.boxes[shown], self._frames[shown], self._unit)
        return Patches(_tensor(self._from.take(rows, variants)), torch.from_numpy(places))

    def pairs(self, rows: np.ndarray, own: np.ndarray) -> list[np.ndarray]:
        """Aligned pairs of photographs and their own captions, found for a batch at once.

        Args:
            rows: `[B]` photographs.
            own: `[B]` bool, whether a photograph is shown with its own caption; else no pair is aligned.

        Returns:
            Of each photograph, `[K, 3]` token position, level, patch.
        """
        levels = np.array([level for level in ALIGNED_LEVELS if level in self.grid.levels], np.int64)
        shown = np.flatnonzero(own)
        if self._alignments is None or not len(levels) or not len(shown):
            return [NO_PAIRS] * len(rows)
        tokens, regions = zip(*(self._alignments.of(int(row)) for row in rows[shown]), strict=True)
        counts = [len(found) for found in tokens]
        boxes = self.boxes[rows[shown]].repeat(counts, axis=0)
        frames = self._frames[rows[shown]].repeat(counts, axis=0)
        best = best_patches(np.concatenate(regions), self.grid, boxes, frames, tuple(levels.tolist()))
        pairs = np.empty((*best.shape, 3), np.int64)
        pairs[..., 0], pairs[..., 1], pairs[..., 2] = np.concatenate(tokens)[:, None], levels, best
        found = [NO_PAIRS] * len(rows)
        for position, some in zip(shown, np.split(pairs, np.cumsum(counts)[:-1]), strict=True):
            found[position] = some[some[..., 2] >= 0]
        return found

    def corrupted(
        self,
        rows: np.ndarray,
        donors: np.ndarray,
        chosen: list[Chosen],
        spec: PatchCorruption,
        rngs: list[np.random.Generator],
    ) -> tuple[Patches, KaleidoTargets]:
        """The patches of `rows`, transformed as the sub-tasks that are on want it.

        Args:
            rows: `[B]`.
            donors: `[B]` photographs of other products, for the camouflage.
            chosen: what AGM picked of each row.
            spec: the sub-tasks.
            rngs: one generator a row.
        """
        take = np.tile(np.arange(self.grid.patches), (len(rows), 1))
        origin = np.tile(rows[:, None], (1, self.grid.patches))
        targets = KaleidoTargets()
        if spec.rotation:
            turns = np.array([rng.integers(4) for rng in rngs])
            take[:, self.grid.span(1)] = self.variants.rotated(turns)[:, None]
            targets.rotation = torch.from_numpy(turns)
        if spec.jigsaw:
            number = np.array([rng.integers(len(PERMUTATIONS)) for rng in rngs])
            take[:, self.grid.span(2)] = self.variants.plain(2)[PERMUTATIONS[number]]
            targets.jigsaw = torch.from_numpy(number)
        if spec.camouflage:
            slot = np.array([one.patches[3][0] for one in chosen])
            origin[np.arange(len(rows)), self.grid.span(3).start + slot] = donors
            targets.camouflage = torch.from_numpy(slot)
        grey = np.stack([one.patches[4] for one in chosen]) if spec.grey else None
        if grey is not None:
            np.put_along_axis(take, self.grid.span(4).start + grey, self.variants.grey()[grey], axis=1)
            targets.grey = torch.from_numpy(grey)
            # The colours are fetched with the rest, in one pass over the cache.
            take = np.concatenate([take, self.variants.plain(4)[grey]], axis=1)
            origin = np.concatenate([origin, np.tile(rows[:, None], (1, spec.grey))], axis=1)
        if spec.blank:
            targets.blank = torch.from_numpy(np.stack([one.patches[spec.blank_level] for one in chosen]))
        patches = self._patches(rows, origin, take)
        if grey is not None:
            targets.grey_target = patches.features[:, self.grid.patches :]
            patches.features = patches.features[:, : self.grid.patches]
        return patches, targets


def _tensor(taken: np.ndarray) -> torch.Tensor:
    """Features as they are; crops `[B, P, S, S, 3]` with their channels first."""
    tensor = torch.from_numpy(taken)
    return tensor.permute(0, 1, 4, 2, 3) if tensor.ndim == 5 else tensor
