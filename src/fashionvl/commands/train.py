"""`fashionvl fit | validate | test | predict`: LightningCLI with run folders that continue by themselves."""

import os
import warnings
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from rich.console import Console

from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.errors import InputError
from fashionvl.tasks.base import PairTask
from fashionvl.tasks.recording import MetricsLog, PauseOnInterrupt, RunRecord, SeedEachStep, last_checkpoint
from fashionvl.tasks.run_folder import RunFolder

NOISE = (r"'set_vital' is deprecated", r"`isinstance\(treespec, LeafSpec\)`", r".*does not have many workers")
"""Warnings of the libraries that a user can do nothing about, or that laptop scale means to be so."""


class FashionVLCLI(LightningCLI):
    """Adds `--run_dir` and what makes a run a folder: configuration, record, checkpoints, continuation."""

    folder: RunFolder

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the run's own options and the suite's trainer defaults."""
        parser.add_argument("--name", type=str, default="unnamed", help="of the experiment")
        parser.add_argument(
            "--scale", type=str, default="paper", help="numbers compare inside one scale only"
        )
        parser.add_argument("--run_dir", type=str | None, default=None, help="default: runs/SCALE/NAME")
        parser.add_argument(
            "--then_test", type=bool, default=False, help="after fit, test in the same process"
        )
        # Our samplers shard by themselves: Lightning's would repeat items to even out the test shards.
        parser.set_defaults({"trainer.use_distributed_sampler": False, "trainer.logger": False})

    def before_instantiate_classes(self) -> None:
        """Claim the run folder before anything long is built."""
        run_dir = self._get(self.config, "run_dir")
        self.folder = RunFolder(
            Path(run_dir or Path("runs") / self._get(self.config, "scale") / self._get(self.config, "name"))
        )
        self._dump_config()
        if self.subcommand == "fit":
            self.folder.claim(self.config_dump)
        elif self._get(self.config, "ckpt_path") is None:
            self.folder.check(self.config_dump, ("model", "data"))

    def instantiate_trainer(self, **kwargs: Any) -> L.Trainer:
        """Add the run folder's log and callbacks to whatever the configuration names."""
        seed = int(os.environ.get("PL_GLOBAL_SEED", "0"))
        trainer = super().instantiate_trainer(default_root_dir=str(self.folder.path), **kwargs)
        trainer.loggers = [MetricsLog(self.folder.path / "metrics.csv"), *trainer.loggers]
        identity = {key: self._get(self.config, key) for key in ("name", "scale")} | {"seed": seed}
        ours = [RunRecord(self.folder, identity), SeedEachStep(seed), PauseOnInterrupt(self.folder)]
        # Lightning runs checkpoint callbacks last; keep it so.
        callbacks = trainer.callbacks  # type: ignore[attr-defined]  # a connector sets it
        trainer.callbacks = [*callbacks, *ours, last_checkpoint(self.folder)]  # type: ignore[attr-defined]
        return trainer

    def fit(self, **kwargs: Any) -> None:
        """Train, or continue, or say that it is done; then test when asked."""
        if self.folder.finished("fit"):
            _say(f"{self.folder.path}: already trained")
        else:
            if kwargs.get("ckpt_path") is None and self.folder.last_checkpoint.exists():
                _say(f"{self.folder.path}: continuing from {self.folder.last_checkpoint}")
                kwargs["ckpt_path"] = str(self.folder.last_checkpoint)
            self._guarded("fit", **kwargs)
        if self._get(self.config, "then_test") and self.folder.finished("fit"):
            if self.folder.finished("test"):
                _say(f"{self.folder.path}: already tested")
                return
            # Just trained, the weights are in memory.
            trained = self.trainer.global_step > 0
            checkpoint = None if trained else self._checkpoint()
            self._guarded(
                "test", model=self.model, datamodule=self.datamodule, ckpt_path=checkpoint, verbose=False
            )

    def test(self, **kwargs: Any) -> None:
        """Test the run's last checkpoint, or the one given."""
        kwargs["ckpt_path"] = kwargs.get("ckpt_path") or self._checkpoint()
        self._guarded("test", **kwargs)

    def _checkpoint(self) -> str:
        if not self.folder.last_checkpoint.exists():
            raise InputError(
                f"{self.folder.last_checkpoint}: no checkpoint; run fit first or pass --ckpt_path"
            )
        return str(self.folder.last_checkpoint)

    def _guarded(self, stage: str, **kwargs: Any) -> None:
        """Run a trainer method; a checkpoint that does not fit is the user's mistake, not a traceback."""
        try:
            getattr(self.trainer, stage)(**kwargs)
        except RuntimeError as error:
            if "loading state_dict" not in str(error):
                raise
            first = " ".join(str(error).split("\n\t")[1:2])[:300].strip()
            raise InputError(
                f"{kwargs.get('ckpt_path')}: a checkpoint of another configuration; {first}"
            ) from error


def train(arguments: list[str] | None = None) -> None:
    """Parse, instantiate and run one of Lightning's subcommands; None reads the command line."""
    for message in NOISE:
        warnings.filterwarnings("ignore", message=message)
    FashionVLCLI(
        PairTask,
        FashionGenDataModule,
        args=arguments,
        subclass_mode_model=True,
        subclass_mode_data=True,
        save_config_callback=None,
        seed_everything_default=0,
        auto_configure_optimizers=False,
        load_from_checkpoint_support=False,
    )


def _say(line: str) -> None:
    Console(stderr=True).print(line, highlight=False)
