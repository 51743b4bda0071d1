"""A CSV log that a continued run continues."""

import csv
import sys
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only


class MetricsLog(Logger):
    """Appends logged values to `metrics.csv` as `step, epoch, name, value`; a continued run continues it."""

    def __init__(self, path: Path, training: bool = True) -> None:
        """Log to `path`; a test of a finished run, which is not `training`, drops nothing logged before."""
        super().__init__()
        self._path = path
        self._training = training
        self._started = False

    @property
    def name(self) -> str:
        """Name of the logger."""
        return "fashionvl"

    @property
    def version(self) -> str:
        """There is one log a run folder."""
        return ""

    @rank_zero_only
    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """`config.yaml` holds them."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Append; in training, the first call drops what an interrupted run wrote after its checkpoint."""
        step = step or 0
        if not self._started:
            self._start(step if self._training else sys.maxsize)
        epoch = int(metrics.get("epoch", 0))
        with self._path.open("a", newline="") as file:
            rows = csv.writer(file)
            rows.writerows(
                [step, epoch, name, repr(float(v))] for name, v in metrics.items() if name != "epoch"
            )

    def _start(self, before: int) -> None:
        """Keep whole lines of steps `before` this one."""
        self._started = True
        kept: list[list[str]] = []
        if self._path.exists():
            with self._path.open(newline="") as file:
                kept = [row for row in list(csv.reader(file))[1:] if len(row) == 4 and int(row[0]) < before]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("w", newline="") as file:
            csv.writer(file).writerows([["step", "epoch", "name", "value"], *kept])
