"""The final record of a run, written by a Lightning callback."""

import time
from typing import Any, cast

import lightning as L
import numpy as np
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities import rank_zero_only

from fashionvl.data.datamodule import data_of
from fashionvl.runs.folder import RunFolder
from fashionvl.runs.provenance import provenance
from fashionvl.tasks.base import PairTask
from fashionvl.tasks.row_writing import RowWriting
from fashionvl.tasks.testing.base import with_products
from fashionvl.training.cost import forward_flops, peak_memory


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
        """Refuse to continue on other data; a prediction starts its clock."""
        if stage in ("fit", "predict"):
            self.folder.check_data(data_of(trainer).fingerprint)
        if stage == "predict":
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
        if trainer.interrupted or not self._reached_end(trainer):
            return
        data, save = data_of(trainer), getattr(getattr(pl_module, "network", None), "save_pretrained", None)
        if save is not None:
            save(self.folder.model)
            data.save_processor(self.folder.model, getattr(pl_module, "backbone", None))
        data.tokenizer.save_pretrained(self.folder.path / "tokenizer")
        self.folder.record(
            **self._facts(trainer, pl_module),
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

    def _stage_seconds(self) -> float:
        """Of the stage that ends now, data preparation included; of this session only."""
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
        task = _task(pl_module)
        for result in task.results.values():
            arrays = with_products(result.arrays, task.data)
            np.savez_compressed(self.folder.path / f"{result.name}.npz", **arrays)
        self.folder.record(
            **self._facts(trainer, pl_module),
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
        """Write examples, after the record: a picture that cannot be made must not cost the numbers."""
        folder = self.folder.path / "examples"
        folder.mkdir(parents=True, exist_ok=True)
        for stem, arrays in task.examples().items():
            np.savez_compressed(folder / f"{stem}.npz", **arrays)

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
        if trainer.is_global_zero and not task.pieces():
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
