"""The metrics of a study under the tasks of the papers' tables."""

from dataclasses import dataclass
from itertools import groupby

from fashionvl.reporting import metrics as registry
from fashionvl.reporting.study.records import Metric


@dataclass(frozen=True)
class Task:
    """A group of columns in the header of a table.

    Attributes:
        name: of the task.
        about: what it is, in two words.
        metrics: of the task, in order.
        n: how many queries or photographs; None where no run has any.
        counts: the same in words, and of how many products; empty where no run has any.
    """

    name: str
    about: str
    metrics: list[Metric]
    n: int | None
    counts: str


def tasks_of(metrics: list[Metric]) -> list[Task]:
    """The metrics under their tasks."""
    return [_task(name, list(found)) for name, found in groupby(metrics, lambda metric: metric.task)]


def _task(name: str, metrics: list[Metric]) -> Task:
    protocol = registry.protocol(registry.parts(metrics[0].key)[0])
    known = next((metric for metric in metrics if metric.n is not None), None)
    if known is None:
        return Task(name, protocol.about, metrics, None, "")
    said = f"{known.n:,} {protocol.items}"
    said += f" of {known.clusters:,} products" if known.clusters else ""
    return Task(name, protocol.about, metrics, known.n, said)


def samples_of(tasks: list[Task]) -> str:
    """Name the test data in one line; empty where nothing was tested."""
    alike: dict[str, list[str]] = {}
    for task in tasks:
        if task.counts:
            alike.setdefault(task.counts, []).append(task.name)
    return "; ".join(f"{', '.join(names)}: {counts}" for counts, names in alike.items())


def procedures_of(tasks: list[Task]) -> list[tuple[str, str]]:
    """Each test of differences, and the metrics that carry it; a whole task by its name."""
    alike: dict[str, list[str]] = {}
    for task in tasks:
        for test in dict.fromkeys(metric.test for metric in task.metrics if metric.test):
            names = [metric.name for metric in task.metrics if metric.test == test]
            is_whole = len(names) == len(task.metrics)
            alike.setdefault(test, []).append(task.name if is_whole else f"{task.name} {', '.join(names)}")
    return [(", ".join(names), test) for test, names in alike.items()]
