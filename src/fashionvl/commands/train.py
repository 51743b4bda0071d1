"""`fashionvl fit | validate | test | predict`: LightningCLI with run folders that continue by themselves."""

import os
import pickle
import signal
import sys
import warnings
from pathlib import Path
from typing import Any, Literal

import lightning as L
import torch
from jsonargparse import ArgumentError
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.exceptions import SIGTERMException
from rich.console import Console

from fashionvl.commands.crash import RUN_FOLDER
from fashionvl.commands.machine import check_accelerator, check_nodes, check_slurm
from fashionvl.commands.numbers import check_numbers
from fashionvl.commands.parsing import one_line, own_refusal, refused_class, with_nulls
from fashionvl.commands.trainer_options import check_checkpoint, check_names, check_seed, check_trainer
from fashionvl.commands.translating import short
from fashionvl.configuration import plain
from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.errors import InputError
from fashionvl.models.blocks.checkpoints import unreadable
from fashionvl.models.blocks.weight_files import weight_format
from fashionvl.runs.folder import RunFolder, WhenChanged
from fashionvl.tasks.base import PairTask
from fashionvl.training.metrics_log import MetricsLog
from fashionvl.training.recording import RunRecord
from fashionvl.training.resume import PauseOnInterrupt, SeedEachStep, last_checkpoint
from fashionvl.training.wandb.log import WandbLog
from fashionvl.training.wandb.sweeps import sweep_folder

NOISE = (
    r"'set_vital' is deprecated",
    r"`isinstance\(treespec, LeafSpec\)`",
    r".*does not have many workers",
    r"LightningCLI's args parameter is intended",
    r"predict returned None",
    r"Total length of `\w+` across ranks is zero",
)
"""Warnings of the libraries that a user can do nothing about, or that laptop scale means to be so."""


CLAIMING = ("fit", "predict")
"""Commands whose results a run folder is made for; the others read a finished one."""

IDENTITY = ("name", "scale", "study", "column", "stage")
"""Options that say which run this is; the record repeats them."""


class FashionVLCLI(LightningCLI):
    """Adds `--run_dir` and what makes a run a folder: configuration, record, checkpoints, continuation."""

    folder: RunFolder

    def __init__(self, *args: Any, **options: Any) -> None:
        """Run the command, and give its run folder free however it ends."""
        try:
            super().__init__(*args, **options)
        finally:
            if hasattr(self, "folder"):
                self.folder.lock.release()

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
        parser.add_argument(
            "--when_changed", type=WhenChanged, default="refuse",
            help="what fit and predict do with a run of another configuration in their folder",
        )  # fmt: skip
        parser.add_argument(
            "--wandb", type=Literal["off", "online", "offline"], default="off", help="log to Weights & Biases"
        )
        for key, what in (("study", "study"), ("column", "column of it"), ("stage", "stage of its recipe")):
            parser.add_argument(f"--{key}", type=str, default="", help=f"the {what} this run belongs to")
        # Our samplers shard by themselves: Lightning's would repeat items to even out the test shards.
        parser.set_defaults({"trainer.use_distributed_sampler": False, "trainer.logger": False})

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse; a key or value that does not fit is the user's mistake.

        Raises:
            InputError: naming the key.
        """
        try:
            super().parse_arguments(parser, args)
        except ArgumentError as error:
            raise InputError(one_line(str(error))) from error
        given = self.config.get(self.config.get("subcommand") or "", self.config)
        check_seed(given.get("seed_everything"))
        self.folder = RunFolder(_run_path(given))
        check_checkpoint(given.get("ckpt_path"), self.folder.last_checkpoint)
        trainer = given["trainer"]
        check_trainer(trainer)
        for section in ("model", "data"):
            check_numbers(section, given[section].as_dict() if given[section] else {})
        check_nodes(trainer.get("num_nodes") or 1, trainer.get("devices"), trainer.get("plugins"))
        check_slurm(trainer.get("devices"), trainer.get("num_nodes"))
        files = [Path(str(file)) for file in given.get("config") or [] if file is not None]
        check_accelerator(trainer, files, torch.cuda.device_count() or torch.backends.mps.is_available())

    def instantiate_classes(self) -> None:
        """Build trainer, task and data.

        Raises:
            InputError: a constructor refused its arguments.
        """
        try:
            super().instantiate_classes()
        except Exception as error:
            refusal = own_refusal(error) or refused_class(error)
            self._record_failure(self.subcommand or "", refusal or error)
            if refusal is None:
                raise
            raise refusal from error

    def before_instantiate_classes(self) -> None:
        """Claim the run folder before anything long is built."""
        self._dump_config()
        # The first process of a distributed run holds the folder for all; `test` and `validate` write, too.
        if self.subcommand and not getattr(rank_zero_only, "rank", 0):
            self.folder.lock.acquire()
        if self.subcommand in CLAIMING:
            self._claim()
        elif self._get(self.config, "ckpt_path") is None:
            self.folder.check(self.config_dump, ("model", "data"))
        if self.folder.path.is_dir():
            RUN_FOLDER.set(self.folder.path)

    def _claim(self) -> None:
        # Set from the environment by Lightning, long before the processes have found each other.
        if getattr(rank_zero_only, "rank", 0):
            self.folder.await_claim(self.config_dump)
            return
        self.folder.claim(self.config_dump, self._get(self.config, "when_changed"))
        self.folder.retry()

    @rank_zero_only
    def _record_failure(self, stage: str, error: Exception) -> None:
        if self.subcommand in CLAIMING:
            self.folder.failed(stage, error)

    def instantiate_trainer(self, **kwargs: Any) -> L.Trainer:
        """Add the run folder's log and callbacks to whatever the configuration names."""
        seed = int(os.environ.get("PL_GLOBAL_SEED", "0"))
        identity = {key: self._get(self.config, key) for key in IDENTITY} | {"seed": seed}
        configured = self._get(self.config_init, "trainer.callbacks") or []
        callbacks = [
            *(configured if isinstance(configured, list) else [configured]),
            RunRecord(self.folder, identity),
            SeedEachStep(seed),
            PauseOnInterrupt(self.folder),
            # Given here and not added later: Lightning would put a checkpoint callback of its own beside it.
            last_checkpoint(self.folder),
        ]
        place = str(self.folder.path)
        try:
            trainer = super().instantiate_trainer(default_root_dir=place, callbacks=callbacks, **kwargs)
        except InputError:
            raise
        except (MisconfigurationException, ImportError, RuntimeError, TypeError, ValueError) as error:
            # Nothing but the trainer's options went in.
            raise InputError(f"trainer: Lightning refuses these options: {short(error)}") from error
        if trainer.fast_dev_run:  # type: ignore[attr-defined]  # set by a connector; it suppresses logs
            return trainer
        trains = self.subcommand == "fit" and not self.folder.finished("fit")
        log = MetricsLog(self.folder.path / "metrics.csv", trains)
        trainer.loggers = [log, *self._wandb(identity), *trainer.loggers]
        return trainer

    def _wandb(self, identity: dict[str, Any]) -> list[WandbLog]:
        mode = self._get(self.config, "wandb")
        if mode == "off" or self.subcommand not in ("fit", "test"):
            return []
        last: Literal["fit", "test"] = "fit"
        if self.subcommand == "test" or self._get(self.config, "then_test"):
            last = "test"
        return [WandbLog(self.folder.path, mode, identity, plain(self.config_dump), last)]

    def fit(self, **kwargs: Any) -> None:
        """Train, or continue, or say that it is done; then test when asked."""
        if self.folder.finished("fit"):
            self._check_moved_data()
            _say(f"{self.folder.path}: already trained")
        else:
            if kwargs.get("ckpt_path") is None and self.folder.last_checkpoint.exists():
                _say(f"{self.folder.path}: continuing from {self.folder.last_checkpoint}")
                kwargs["ckpt_path"] = str(self.folder.last_checkpoint)
            self._guarded("fit", **kwargs)
            # The first process records; the others must not look for the record before it is there.
            self.trainer.strategy.barrier()
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

    def predict(self, **kwargs: Any) -> None:
        """Pass over the data and keep what is found, go on with such a pass, or say that it is done."""
        if self.folder.finished("predict"):
            self._check_moved_data()
            _say(f"{self.folder.path}: already done")
            return
        # What is found lies in files; kept in memory it would be the whole catalogue's.
        kwargs["return_predictions"] = False
        self._guarded("predict", **kwargs)

    def _check_moved_data(self) -> None:
        """Refuse to call a run finished that was on other data than those it is started with now."""
        if self.folder.data_moved(self.config_dump):
            self.datamodule.prepare_data()
            self.datamodule.setup()
            self.folder.check_data(self.datamodule.fingerprint, learns=False)

    def _checkpoint(self) -> str:
        if not self.folder.last_checkpoint.exists():
            raise InputError(
                f"{self.folder.last_checkpoint}: no checkpoint; run fit first or pass --ckpt_path"
            )
        return str(self.folder.last_checkpoint)

    def _guarded(self, stage: str, **kwargs: Any) -> None:
        """Run a trainer method; a checkpoint that does not fit is the user's mistake, not a traceback.

        Raises:
            SystemExit: with 143, as any command that SIGTERM ends; Lightning's own exception would exit with
                0, and Make take the run for finished.
        """
        checkpoint = Path(kwargs.get("ckpt_path") or "")
        try:
            # Otherwise it is a word of Lightning's, such as `last`, or a checkpoint in pieces.
            if checkpoint.suffix and not checkpoint.is_dir():
                weight_format(checkpoint)
            getattr(self.trainer, stage)(**kwargs)
        except SIGTERMException as ended:
            raise SystemExit(128 + signal.SIGTERM) from ended
        except Exception as error:
            self._record_failure(stage, error)
            if isinstance(error, pickle.UnpicklingError):
                raise unreadable(checkpoint, error) from error
            if "loading state_dict" not in str(error):
                raise
            first = " ".join(str(error).split("\n\t")[1:2])[:300].strip()
            raise InputError(
                f"{kwargs.get('ckpt_path')}: a checkpoint of another configuration; {first}"
            ) from error


def train(arguments: list[str] | None = None, run: bool = True) -> FashionVLCLI:
    """Parse, instantiate and run one of Lightning's subcommands.

    Args:
        arguments: the subcommand and its options; None reads the command line.
        run: False takes options without a subcommand and stops after instantiating.

    Raises:
        InputError: a configuration or data that cannot be used.
    """
    return command_line(FashionVLCLI, arguments, run)


def command_line(kind: type[FashionVLCLI], arguments: list[str] | None, run: bool) -> FashionVLCLI:
    """The suite's command line, as `train` runs it and as a resolver of configurations reads it."""
    for message in NOISE:
        warnings.filterwarnings("ignore", message=message)
    words = with_nulls(sys.argv[1:] if arguments is None else arguments)
    # The parsers raise instead of exiting, so that every mistake is reported in one way.
    raising = {"exit_on_error": False}
    return kind(
        PairTask,
        FashionGenDataModule,
        args=words,
        run=run,
        subclass_mode_model=True,
        subclass_mode_data=True,
        save_config_callback=None,
        seed_everything_default=0,
        auto_configure_optimizers=False,
        load_from_checkpoint_support=False,
        parser_kwargs={**raising, **{command: dict(raising) for command in FashionVLCLI.subcommands()}},
    )


def _run_path(given: Any) -> Path:
    if not given["run_dir"]:
        check_names({key: given[key] for key in ("name", "scale")})
    runs = Path("runs") / given["scale"]
    return Path(given["run_dir"] or sweep_folder(runs) or runs / given["name"])


def _say(line: str) -> None:
    Console(stderr=True).print(line, highlight=False)
