"""The final record of a run, written by a Lightning callback."""

import logging
import time
from typing import Any, cast

import lightning as L
import numpy as np
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities import rank_zero_only

from fashionvl.data.datamodule import data_of
from fashionvl.files.whole import written_whole
from fashionvl.runs.folder import RunFolder
from fashionvl.runs.provenance import provenance
from fashionvl.tasks.base import PairTask
from fashionvl.tasks.row_writing import RowWriting
from fashionvl.tasks.testing.base import with_products
from fashionvl.training.cost import forward_flops, peak_memory

log = logging.getLogger(__name__)

LIMITS = {
    "fit": ("limit_train_batches", "limit_val_batches", "overfit_batches"),
    "test": ("limit_test_batches",),
}
"""Options of Lightning's trainer that leave out a part of the data, by stage."""


class RunRecord(Callback):
    """Writes `metrics.json`, per-query arrays, examples and the trained model into the run folder."""

    def __init__(self, folder: RunFolder, identity: dict[str, Any]) -> None:
        """Record under `folder`, with name, scale and seed of the run as its identity."""
        self.folder, self.identity = folder, identity
        self._seconds = 0.0
        self._pairs = 0
        self._resumed_at = 0.0
        self._stage_began = time.perf_counter()

    def state_dict(self) -> dict[str, Any]:
        """Training time and pairs so far, so that a continued run counts both parts."""
        return {"seconds": self._elapsed(), "pairs": self._pairs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue the count."""
        self._seconds, self._pairs = state_dict["seconds"], state_dict["pairs"]

    def _elapsed(self) -> float:
        return self._seconds + (time.perf_counter() - self._resumed_at if self._resumed_at else 0.0)

    @rank_zero_only
    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Refuse to continue or to test on other data; a prediction starts its clock."""
        self.folder.check_data(data_of(trainer).fingerprint, learns=stage in ("fit", "predict"))
        if stage == "predict" and not self._only_tried(trainer):
            self._resumed_at = time.perf_counter()
            # Recorded before anything is found: no other configuration takes over an interrupted pass.
            self.folder.record(**self._facts(trainer, pl_module))

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self._resumed_at = time.perf_counter()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """Count pairs over all processes."""
        self._pairs += data_of(trainer).batch_size * trainer.world_size

    @rank_zero_only
    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record a training that reached its end; one stopped early is left to be continued."""
        if trainer.interrupted or not self._reached_end(trainer) or self._only_tried(trainer):
            return
        data, save = data_of(trainer), getattr(getattr(pl_module, "network", None), "save_pretrained", None)
        if save is not None:
            save(self.folder.model)
            data.save_processor(self.folder.model, getattr(pl_module, "backbone", None))
        data.tokenizer.save_pretrained(self.folder.path / "tokenizer")
        self.folder.record(
            **self._facts(trainer, pl_module),
            **self._limited(trainer, "fit"),
            fit={name: float(value) for name, value in trainer.callback_metrics.items()},
            fit_cost={
                "epochs": trainer.current_epoch,
                "steps": trainer.global_step,
                "pairs": self._pairs,
                "seconds": round(self._elapsed(), 3),
                "pairs_per_second": round(self._pairs / max(self._elapsed(), 1e-9), 1),
                "wall_seconds": self._stage_seconds(),
                **peak_memory(),
            },
        )

    @staticmethod
    def _only_tried(trainer: L.Trainer) -> bool:
        """Return whether this run only tries the code on a few batches, which leaves no record."""
        tried = bool(trainer.fast_dev_run)  # type: ignore[attr-defined]  # set by a connector
        if tried:
            log.warning("fast_dev_run: nothing is recorded")
        return tried

    def _limited(self, trainer: L.Trainer, stage: str) -> dict[str, Any]:
        """The section of the record that says which stages saw a part of their data only."""
        limits = {name: getattr(trainer, name) for name in LIMITS[stage]}
        # Without a limit these are 1.0, the whole, and 0.0 for overfit_batches; 1 is one batch.
        found = {name: limit for name, limit in limits.items() if limit != 0.0 and repr(limit) != "1.0"}
        before = self.folder.metrics().get("limited", {})
        after = {key: value for key, value in {**before, stage: found}.items() if value}
        return {"limited": after} if before or after else {}

    def _stage_seconds(self) -> float:
        """Wall-clock seconds of the stage that ends now, data preparation included; of this session only."""
        began, self._stage_began = self._stage_began, time.perf_counter()
        return round(self._stage_began - began, 3)

    @staticmethod
    def _reached_end(trainer: L.Trainer) -> bool:
        epochs, steps = trainer.max_epochs, trainer.max_steps
        enough_epochs = epochs is not None and 0 <= epochs <= trainer.current_epoch
        return enough_epochs or 0 <= steps <= trainer.global_step

    def on_test_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self._resumed_at = time.perf_counter()

    @rank_zero_only
    def on_test_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Record the test and its per-item arrays, then its examples."""
        if self._only_tried(trainer):
            return
        task = _task(pl_module)
        for result in task.results.values():
            arrays = with_products(result.arrays, task.data)
            np.savez_compressed(self.folder.path / f"{result.name}.npz", **arrays)
        self.folder.record(
            **self._facts(trainer, pl_module),
            **self._limited(trainer, "test"),
            test={name: float(value) for name, value in trainer.callback_metrics.items()},
            test_cost={
                "seconds": round(time.perf_counter() - self._resumed_at, 3),
                "wall_seconds": self._stage_seconds(),
                **peak_memory(),
            },
            **{"candidates": {}, **task.facts()},
        )
        self._save_examples(task)

    def _save_examples(self, task: PairTask) -> None:
        """Write examples, after the record: what cannot be pictured is a warning and costs no numbers."""
        folder = self.folder.path / "examples"
        try:
            for stem, arrays in task.examples().items():
                with written_whole(folder / f"{stem}.npz") as file:
                    np.savez_compressed(file, **arrays)
        except Exception as error:  # any: a test written by somebody else may fail in any way
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            log.warning(
                "%s: the results are recorded, but not all examples for pictures could be made (%s)",
                folder,
                reason,
            )

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Record a prediction that has come to its end; one limited or interrupted is left to be continued.

        Not in `on_predict_end`, which Lightning leaves out where nothing was left to do: the last piece may
        have been written just before an interruption.
        """
        if stage != "predict":
            return
        # What the other processes write counts, too.
        trainer.strategy.barrier()
        task = cast(RowWriting, pl_module)
        if trainer.is_global_zero and not task.pieces() and not self._only_tried(trainer):
            self._record_prediction(trainer, task)

    def _record_prediction(self, trainer: L.Trainer, task: RowWriting) -> None:
        self.folder.record(
            **self._facts(trainer, task),
            predict={name: float(value) for name, value in task.scores().items()},
            predict_cost={
                "seconds": round(self._elapsed(), 3),
                "wall_seconds": self._stage_seconds(),
                **peak_memory(),
            },
        )
        self._save_examples(task)

    def _facts(self, trainer: L.Trainer, pl_module: L.LightningModule) -> dict[str, Any]:
        return {
            **provenance(),
            **self.identity,
            "network": type(getattr(pl_module, "network", None)).__name__,
            "parameters": sum(p.numel() for p in pl_module.parameters()),
            "trained_parameters": sum(p.numel() for p in pl_module.parameters() if p.requires_grad),
            "flops": forward_flops(_task(pl_module)),
            "data": data_of(trainer).describe(),
            "devices": trainer.world_size,
            "precision": str(trainer.precision),
        }


def _task(module: L.LightningModule) -> PairTask:
    """The command line runs no other modules."""
    return cast(PairTask, module)
