"""Distillation of a frozen network into the visual pyramid, before MVLT, for data without attributes."""

import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fashionvl.data.datamodule import data_of
from fashionvl.data.records import PairBatch
from fashionvl.data.visual.pooled import PooledFeatures
from fashionvl.errors import InputError, check_range
from fashionvl.models.pyramid import PyramidClassifier
from fashionvl.objectives.contrastive import InfoNCE
from fashionvl.tasks.base import Named, PairTask
from fashionvl.tasks.gathering import gather_plain, gather_rows
from fashionvl.tasks.optimization import Optimization
from fashionvl.tasks.teacher import Teacher, cached_features, write_features

log = logging.getLogger(__name__)

HEAD = "teacher"
"""Name of the pyramid's head."""

SMALLEST_SHARE = 1e-6
"""Variance over the largest, below which a component is rounding noise of float16 features."""

BLOCK = 8192
"""Rows whose second moments are summed at a time."""


class Whitening(NamedTuple):
    """Principal components scaled to unit variance.

    Attributes:
        mean: `[D]` float32.
        components: `[D, K]` float32, in descending order of the variance they had.
    """

    mean: Tensor
    components: Tensor

    @classmethod
    def fit(cls, features: PooledFeatures, rows: np.ndarray, count: int) -> "Whitening":
        """Fit to the features of some rows, with n - 1 in the variance as scikit-learn's PCA has.

        Args:
            features: of the file.
            rows: `[n]`.
            count: components wanted. There are fewer where the features have fewer directions, at most n - 1.

        Raises:
            InputError: the features are all alike.
        """
        blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        mean = sum(features.take(some).sum(0, dtype=np.float64) for some in blocks) / len(rows)
        moments = np.zeros((features.width, features.width))
        for some in blocks:
            centred = features.take(some) - mean
            moments += centred.T @ centred
        values, vectors = np.linalg.eigh(moments / max(len(rows) - 1, 1))
        values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
        kept = min(int((values > SMALLEST_SHARE * values[0]).sum()), len(rows) - 1)
        if kept < 1:
            raise InputError(
                f"model.init_args.teacher: its features of {len(rows)} training photographs are all alike; "
                "take other weights, or photographs that differ"
            )
        scaled = vectors[:, :kept] / np.sqrt(values[:kept])
        return cls(torch.from_numpy(mean).float(), torch.from_numpy(scaled).float())


class PyramidDistillation(PairTask):
    """The pyramid learns to predict a frozen network's pooled features of each photograph; no text is read.

    The exported pyramid stands where MVLT loads ImageNet weights (section 4.1), as that of
    `PyramidPretraining`, but needs neither labels nor drawn attributes. Ours; see docs/paper-notes.md.

    The features are computed once, by one process a machine, and kept beside the data's index: they depend on
    the photographs and the teacher alone, so that runs with other settings find them there.
    """

    network: PyramidClassifier
    mean: Tensor
    components: Tensor

    def __init__(
        self,
        network: PyramidClassifier,
        teacher: Teacher = Teacher(),  # noqa: B008 - frozen
        components: int = 128,
        temperature: float = 0.1,
        features: str | None = None,
        optimization: Optimization = Optimization(),  # noqa: B008 - frozen
    ) -> None:
        """Assemble the task.

        Args:
            network: the pyramid.
            teacher: the frozen network.
            components: whitened principal components that are predicted, fitted to the training photographs;
                fewer, with a warning, where the features of these have fewer directions.
            temperature: of InfoNCE at the start; it is learned.
            features: folder of the cached features; None puts them beside the data's index.
            optimization: optimiser and schedule.

        Raises:
            InputError: a value is out of range.
        """
        super().__init__(optimization)
        check_range("model.init_args.components", components, 1)
        self.network, self.teacher, self.count = network, teacher, components
        self.loss = InfoNCE(temperature, learned=True)
        self.folder = Path(features) if features else None

    def prepare_data(self) -> None:
        """Compute the features that are missing; one process a machine does this, once the data are open."""
        data = data_of(self.trainer)
        device = self.trainer.strategy.root_device
        write_features(self.teacher, data, self.folder or self.teacher.folder(data), device)

    def check_data(self) -> None:
        """Check that a batch has something to tell apart.

        Raises:
            InputError: it holds one photograph.
        """
        if self.data.batch_size * self.trainer.world_size < 2:
            raise InputError(
                "data.init_args.batch_size: 1 photograph has no negatives; distillation needs at least 2"
            )

    def prepare_network(self, stage: str) -> None:
        """Open the features, whiten them, and add the head that predicts them.

        Raises:
            InputError: the features are of something else, or all alike.
        """
        folder = self.folder or self.teacher.folder(self.data)
        self._features = cached_features(self.teacher, self.data, folder)
        found = Whitening.fit(self._features, self.data.train_rows, self.count)
        kept = found.components.shape[1]
        if kept < self.count:
            log.warning(
                "features of %s have %d directions on the training photographs, not %d; those are predicted",
                self.teacher.name, kept, self.count,
            )  # fmt: skip
        # Of the checkpoint: a continued run predicts the very same numbers.
        self.register_buffer("mean", found.mean)
        self.register_buffer("components", found.components)
        with torch.random.fork_rng(devices=[]):
            # Of the run's seed alone: how many numbers were drawn by now depends on the number of processes.
            torch.manual_seed(torch.initial_seed())
            self.network.add_heads({HEAD: kept})

    def targets(self, batch: PairBatch) -> Tensor:
        """Return the whitened features `[B, K]` of a batch's photographs."""
        raw = torch.from_numpy(self._features.take(batch.rows.cpu().numpy())).to(self.device)
        return (raw - self.mean) @ self.components

    def losses(self, batch: PairBatch, step: int | None) -> tuple[Named, Named]:
        """Compute 1 - cosine with the photograph's own features, and InfoNCE with those of the whole batch.

        `nearest_accuracy` is the share of photographs whose own features are the most similar of the batch.
        On the dev split each process compares its own batch.
        """
        found = F.normalize(self.network(batch.pixel_values)[HEAD].float(), dim=1)
        wanted = F.normalize(self.targets(batch).float(), dim=1)
        cosine = (found * wanted).sum(1).mean()
        if step is not None and torch.distributed.is_initialized():
            found, wanted = gather_rows(found), gather_plain(wanted)
        similarity = found @ wanted.T
        own = torch.arange(len(similarity), device=similarity.device)
        contrastive = self.loss(similarity, own[:, None] == own)
        nearest = (similarity.argmax(1) == own).float().mean()
        losses = {"cosine_distance": 1 - cosine, "contrastive": contrastive}
        return losses, {"cosine": cosine.detach(), "nearest_accuracy": nearest}
