"""Writing the feature cache: foreground, kaleido patches, frozen backbone, once a photograph."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fashionvl.data.catalogue import SPLITS, Split
from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.visual.features import SHARD_ROWS, FeatureFacts, FeatureWriter
from fashionvl.data.visual.networks import BACKBONE, FOREGROUND
from fashionvl.errors import InputError
from fashionvl.models.kaleido_bert.backbone import PatchBackbone
from fashionvl.patches.crops import Variants
from fashionvl.patches.grid import Box, KaleidoGrid, grown
from fashionvl.tasks.kaleido.foreground import Foreground, ForegroundFinder
from fashionvl.tasks.row_writing import RowWriting

FOLDER = "features"
"""Folder in the run folder that holds a cache for each split."""


class FeatureWriting(RowWriting):
    """The kaleido patch generator (KPG) and its backbone (Kaleido-BERT section 3.2, Fig. 3).

    The backbone is frozen, so every crop that a sub-task may ask for has one feature for good: pre-training
    then reads features and decodes no photograph.
    """

    def __init__(
        self,
        foreground: Foreground,
        backbone: PatchBackbone,
        levels: tuple[int, ...] = (1, 2, 3, 4, 5),
        patch_size: int = 224,
        chunk: int = 256,
        shard_rows: int = SHARD_ROWS,
    ) -> None:
        """Assemble the task.

        Args:
            foreground: how the product is found; `whole` splits the frame as it is (section 4.5).
            backbone: what sees the patches.
            levels: n x n grids; one alone is the fixed scale of section 4.5.
            patch_size: height and width every patch is resized to, pixels; 224 as ResNet-50 was trained, the
                paper names none.
            chunk: patches a forward of the backbone takes.
            shard_rows: photographs a file of the cache holds.

        Raises:
            InputError: `levels` is no grid, or a size is not positive.
        """
        super().__init__()
        for name, value in (("patch_size", patch_size), ("chunk", chunk)):
            if value < 1:
                raise InputError(f"model.init_args.{name}: {value} is not positive")
        self.foreground, self.backbone = foreground, backbone
        self.patch_size, self.chunk, self.shard_rows = patch_size, chunk, shard_rows
        self._variants = Variants(KaleidoGrid(levels))

    def open_writers(self, folder: Path, data: FashionGenDataModule) -> dict[Split, FeatureWriter]:
        """A cache for each of the two files, and the finder of the foreground on this process's device."""
        self._finder = ForegroundFinder(self.foreground, self.trainer.strategy.root_device)
        facts = {split: self._facts(split, data) for split in SPLITS}
        writers = {
            split: FeatureWriter(folder / FOLDER / split, found, self.shard_rows)
            for split, found in facts.items()
        }
        if self.trainer.is_global_zero:
            self.backbone.save(folder / FOLDER / BACKBONE)
            self._finder.save(folder / FOLDER / FOREGROUND)
        self._bytes_per_image = facts["train"].bytes_per_image
        self._todo = sum(len(rows) for writer in writers.values() for rows in writer.pending())
        return writers

    def _facts(self, split: str, data: FashionGenDataModule) -> FeatureFacts:
        index = data.index_of("train" if split == "train" else "validation")
        return FeatureFacts(
            data=index.fingerprint,
            rows=len(index),
            backbone=self.backbone.digest(),
            width=self.backbone.width,
            patch_size=self.patch_size,
            foreground=self._finder.digest,
            levels=self._variants.grid.levels,
        )

    def on_predict_start(self) -> None:
        """Start the clock."""
        self._began = time.perf_counter()

    def find(self, split: Split, images: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The features of every crop, and the boxes that were split.

        Args:
            split: of the photographs.
            images: `[B, H, W, 3]` uint8.
            rows: `[B]`.

        Returns:
            `features` `[B, V, D]` float16 and `boxes` `[B, 4]`, grown to a pixel a patch of the finest level.

        Raises:
            InputError: a photograph is smaller than that.
        """
        frame, side = (images.shape[2], images.shape[1]), max(self._variants.grid.levels)
        boxes = [
            grown((x0, y0, x1, y1), side, frame) for x0, y0, x1, y1 in self._finder.boxes(images).tolist()
        ]
        # OpenCV gives up the interpreter's lock while it resizes.
        with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
            crops = np.concatenate(list(pool.map(self._cut, images, boxes)))
        chunks = torch.from_numpy(crops).split(self.chunk)
        features = np.concatenate([self._features(some) for some in chunks])
        return {"features": features.reshape(len(images), self._variants.count, -1), "boxes": np.array(boxes)}

    def _cut(self, image: np.ndarray, box: Box) -> np.ndarray:
        return self._variants.cut(image, box, self.patch_size)

    def _features(self, crops: Tensor) -> np.ndarray:
        """`[K, D]` float16, of `[K, S, S, 3]` uint8."""
        pixels = crops.to(self.device).permute(0, 3, 1, 2).float().div(255)
        features: np.ndarray = self.backbone(pixels).half().cpu().numpy()
        return features

    def scores(self) -> dict[str, float]:
        """Cost of a photograph: bytes in the cache; time, over the photographs that were left to do."""
        scores = {
            "features/bytes_per_image": float(self._bytes_per_image),
            "features/width": float(self.backbone.width),
        }
        if self._todo:
            scores["features/images_per_second"] = self._todo / (time.perf_counter() - self._began)
        return scores
