"""A model and everything that was measured of it, from its own run folders and those it shares."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from fashionvl.configuration import flatten
from fashionvl.errors import InputError
from fashionvl.reporting import metrics
from fashionvl.reporting.study.single_tasks import SINGLE_TASKS, last_logged
from fashionvl.reporting.summary import Summary, summarise
from fashionvl.runs.reading import COSTS, Run, position, read_run, read_runs

SALIENCY = {method: f"saliency/{method}_iou" for method in ("unet", "threshold", "grabcut")}
ALIGNMENT = {"value": "precision", "random": "random", "centre": "centre"}
FEATURES = ("bytes_per_image", "images_per_second")

DIGITS = 4


@dataclass(frozen=True)
class Model:
    """One model of the comparison.

    Attributes:
        name: as shown.
        folder: of its own stages.
        summary: its tests, and every stage it needed, the shared ones first.
    """

    name: str
    folder: Path
    summary: Summary

    @property
    def runs(self) -> list[Run]:
        """Every stage it needed."""
        return self.summary.runs

    @property
    def tested(self) -> Run | None:
        """The run that pairs were scored with, whose size and speed the model is said to have."""
        return next((run for run in self.runs if any(map(_is_ranking, run.test))), None)

    @cached_property
    def patch_tasks(self) -> dict[str, float]:
        """Accuracies in percent and divergences on the dev split, at the end of pre-training, by task."""
        for run in self.runs:
            log = {name: (s.steps.tolist(), s.values.tolist()) for name, s in run.log().items()}
            found = {
                task.key: value for task in SINGLE_TASKS if (value := last_logged(log, task)) is not None
            }
            if found:
                return found
        return {}

    @property
    def saliency(self) -> dict[str, float]:
        """Intersection over union with the true foreground, by method."""
        return self._first({method: ("test", key) for method, key in SALIENCY.items()})

    @property
    def alignment(self) -> dict[str, float]:
        """Share of aligned tokens whose region is the true one; of random and of central regions, too."""
        return self._first({name: ("predict", f"alignment/{key}") for name, key in ALIGNMENT.items()})

    @property
    def features(self) -> dict[str, float]:
        """Cost of the feature cache: bytes and time of an image, and images a second."""
        return self._first({name: ("predict", f"features/{name}") for name in FEATURES})

    @property
    def cost(self) -> dict[str, float]:
        """Size, operations, speed and memory of the run that was tested; empty where none was."""
        run = self.tested
        if run is None:
            return {}
        costs = [run.section(name) for name in COSTS]
        found: dict[str, Any] = {
            name: run.record.get(name) for name in ("parameters", "trained_parameters", "flops")
        }
        found["pairs_per_second"] = run.section("fit_cost").get("pairs_per_second")
        for name in ("peak_rss_mb", "peak_gpu_mb"):
            found[name] = max((cost[name] for cost in costs if name in cost), default=None)
        return {name: value for name, value in found.items() if value is not None}

    def _first(self, wanted: dict[str, tuple[str, str]]) -> dict[str, float]:
        """Numbers by name, each of the first stage that recorded it in the section under the key."""
        found: dict[str, float] = {}
        for name, (section, key) in wanted.items():
            values = [run.section(section).get(key) for run in self.runs]
            known = [float(value) for value in values if value is not None]
            if known:
                found[name] = known[0]
        return found

    def as_json(self) -> dict[str, Any]:
        """The keys of a summary, and what only some models have; null where it was not measured."""
        chance = {task.key: round(task.chance, DIGITS) for task in SINGLE_TASKS if task.chance is not None}
        saliency = _rounded(self.saliency)
        return {
            **self.summary.as_json(),
            "akpm": {**_rounded(self.patch_tasks), "chance": chance} if self.patch_tasks else None,
            "saliency_iou": saliency.pop("unet", None),
            "saliency_iou_baselines": saliency or None,
            "alignment_precision": _rounded(self.alignment) or None,
            "features": _rounded(self.features) or None,
            "cost": {**self.cost, "seconds": self.summary.seconds},
        }


def read_models(folders: list[Path], names: list[str], shared: list[Path]) -> list[Model]:
    """Read every model.

    A stage of a shared folder is a model's when a configuration of the model names something in that stage's
    run folder, or one of a shared stage that is the model's does. A shared folder may hold none.

    Raises:
        InputError: a folder holds no run, names are not one a folder or not different, or a record is
            unusable.
    """
    if len(names) != len(folders) or len(set(names)) != len(names):
        raise InputError(
            f"--names: {', '.join(names)} for {len(folders)} run folders; give each folder a name of its own"
        )
    offered = [read_run(file.parent) for folder in shared for file in sorted(folder.glob("*/metrics.json"))]
    return [
        Model(name, folder, summarise(sorted([*_needed(own, offered), *own], key=position)))
        for name, folder in zip(names, folders, strict=True)
        for own in [read_runs(folder)]
    ]


def _is_ranking(key: str) -> bool:
    return metrics.protocol(metrics.parts(key)[0]).items == "queries"


def _needed(own: list[Run], offered: list[Run]) -> list[Run]:
    """The offered runs that some configuration leads to, in the order offered."""
    taken: list[Run] = []
    asked = list(own)
    while asked:
        named = list(_paths(asked.pop()))
        found = [run for run in offered if run not in taken and any(_lies_in(path, run) for path in named)]
        taken += found
        asked += found
    return [run for run in offered if run in taken]


def _paths(run: Run) -> Iterator[PurePath]:
    for value in flatten(run.config() or {}).values():
        if isinstance(value, str) and "/" in value:
            yield PurePath(value)


def _lies_in(path: PurePath, run: Run) -> bool:
    """Return whether a path leads through a run folder, by its last two parts: runs may move together."""
    wanted = run.path.resolve().parts[-2:]
    return any(path.parts[i : i + 2] == wanted for i in range(len(path.parts) - 1))


def _rounded(values: dict[str, float]) -> dict[str, float]:
    """For JSON, which has no word for a number that is not finite."""
    return {name: round(value, DIGITS) for name, value in values.items() if math.isfinite(value)}
