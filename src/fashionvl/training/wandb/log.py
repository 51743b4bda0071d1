"""Lightning's logger for W&B, which a run survives whatever W&B does."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from fashionvl.runs.reading import Run, read_run
from fashionvl.training.wandb.connection import open_run, say
from fashionvl.training.wandb.images import pages

COSTS = ("fit_cost", "test_cost")
FACTS = ("parameters", "trained_parameters", "flops")


class WandbLog(Logger):
    """Logs the curves while a run trains and, at its end, what its run folder holds.

    The final numbers and pictures are read back from the folder, so W&B shows what every report shows. The
    W&B run is opened with the first value there is to log. Anything that goes wrong is one line on standard
    error, after which the run goes on without W&B. Only the first process of a distributed run does anything.
    """

    def __init__(
        self,
        folder: Path,
        mode: Literal["online", "offline"],
        identity: dict[str, Any],
        config: dict[str, Any],
        last: Literal["fit", "test"],
    ) -> None:
        """Log the run in `folder`.

        Args:
            folder: the run folder.
            mode: where W&B's data go.
            identity: `name, scale, study, column, stage, seed` of the run.
            config: the resolved configuration.
            last: the stage with whose record the W&B run is finished.
        """
        super().__init__()
        self._folder, self._last = folder, last
        # Lightning's spawning strategies pickle their loggers, which a lambda would refuse.
        self._open = partial(open_run, folder, mode, identity, config)
        self._run: Any = None
        self._off = os.environ.get("WANDB_MODE") == "disabled"

    @property
    def name(self) -> str:
        """Name of the logger."""
        return "wandb"

    @property
    def version(self) -> str:
        """There is one W&B run a run folder."""
        return ""

    @rank_zero_only
    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """The resolved configuration is given when the W&B run opens."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log the curves among the metrics."""
        curves = {name: value for name, value in metrics.items() if is_curve(name)}
        if curves:
            position = {"epoch": metrics.get("epoch", 0), "trainer/global_step": step or 0}
            self._attempt(lambda: self._opened().log({**curves, **position}))

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Add the final numbers and pictures once the last stage is recorded, and finish the W&B run.

        Lightning calls this after each stage and after the callbacks that write the record.
        """
        self._attempt(self._publish if status == "success" else self._abandon)

    def _opened(self) -> Any:
        if self._run is None:
            self._run = self._open()
        return self._run

    def _publish(self) -> None:
        record = read_run(self._folder)
        if self._last not in record.record:
            return
        import wandb

        run = self._opened()
        run.summary.update(final_numbers(record))
        pictures = {f"examples/{name}": wandb.Image(page) for name, page in pages(record)}
        if pictures:
            run.log(pictures)
        self._run = None
        run.finish(exit_code=0)

    def _abandon(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.finish(exit_code=1)

    def _attempt(self, action: Callable[[], Any]) -> None:
        """Do something with W&B; never raise."""
        if self._off:
            return
        try:
            action()
        except Exception as error:  # A dead or missing W&B must not cost anyone a training.
            self._off = True
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            say(f"off for the rest of this run ({reason}); {self._folder} has everything")


def is_curve(name: str) -> bool:
    """Return whether a value goes to W&B while training: epoch means, the dev split, the loss of a step."""
    return name == "train/loss_step" or name.startswith("dev/") or name.endswith("_epoch")


def final_numbers(run: Run) -> dict[str, Any]:
    """The record of a run as W&B's summary: test metrics under their own names, costs, sizes, candidates."""
    costs = {f"{cost}/{key}": value for cost in COSTS for key, value in run.section(cost).items()}
    facts = {name: run.record[name] for name in FACTS if run.record.get(name) is not None}
    drawn = {
        f"{section}/{name}": found["fingerprint"]
        for section in ("candidates", "gallery")
        for name, found in run.section(section).items()
    }
    return {**run.test, **costs, **facts, **drawn}
