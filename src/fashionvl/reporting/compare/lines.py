"""The comparison as lines of a table, which terminal, Markdown and page show alike."""

from dataclasses import dataclass

from fashionvl.reporting import metrics
from fashionvl.reporting.compare.models import Model
from fashionvl.reporting.compare.pairing import Pairing
from fashionvl.reporting.metrics import Metric, Protocol
from fashionvl.reporting.overview import duration
from fashionvl.reporting.study.formatting import ABSENT, magnitude, number
from fashionvl.reporting.study.records import Difference, Interval
from fashionvl.reporting.study.single_tasks import SINGLE_TASKS
from fashionvl.reporting.summary import Score
from fashionvl.runs.layout import STAGES


@dataclass(frozen=True)
class Value:
    """One number of one model, as shown.

    Attributes:
        said: the number.
        interval: 95 %, where there is one.
        difference: to the first model, where both could be paired.
    """

    said: str = ABSENT
    interval: Interval | None = None
    difference: Difference | None = None


@dataclass(frozen=True)
class Line:
    """One metric of every model.

    Attributes:
        group: it belongs to.
        name: of the metric.
        unit: `%`, `dB` or empty.
        digits: after the point, of intervals and differences.
        values: by model.
        beside: what guessing or a simple rule gets; empty where there is none.
        lower_is_better: the direction.
    """

    group: str
    name: str
    unit: str
    digits: int
    values: dict[str, Value]
    beside: str = ""
    lower_is_better: bool = False


def lines(models: list[Model], pairing: Pairing) -> list[Line]:
    """Every line that any model has a number in: tests, Kaleido-BERT's own tasks, then costs."""
    found = [
        *_tests(models, pairing),
        *_patch_tasks(models),
        *_parts(models),
        *_costs(models),
    ]
    return [line for line in found if any(value.said != ABSENT for value in line.values.values())]


def _tests(models: list[Model], pairing: Pairing) -> list[Line]:
    return [
        _test(models, pairing, protocol, metric)
        for protocol in tested(models)
        for metric in protocol.shown("summary")
    ]


def _test(models: list[Model], pairing: Pairing, protocol: Protocol, metric: Metric) -> Line:
    values: dict[str, Value] = {}
    baselines = set()
    for model in models:
        outcome = model.summary.protocols.get(protocol.name)
        score: Score | None = outcome.scores.get(metric.key) if outcome else None
        difference = pairing.differences.get(model.name, {}).get(f"{protocol.name}/{metric.key}")
        if score is None:
            values[model.name] = Value()
            continue
        values[model.name] = Value(number(score.value, metric.digits), score.interval, difference)
        if score.baseline is not None:
            baselines.add(number(score.baseline, metric.digits))
    beside = ", ".join(sorted(baselines))
    return Line(
        protocol.task, metric.name, metric.unit, metric.digits, values, beside, metric.lower_is_better
    )


def tested(models: list[Model]) -> list[Protocol]:
    """The protocols that any model was tested on, in the order of the registry."""
    return [
        protocol
        for protocol in metrics.with_recorded((run.name, run.test) for model in models for run in model.runs)
        if any(protocol.name in model.summary.protocols for model in models)
    ]


def _patch_tasks(models: list[Model]) -> list[Line]:
    return [
        Line(
            "Patch tasks (dev)",
            task.name,
            task.unit.replace("accuracy ", ""),
            task.digits,
            _numbers({model.name: model.patch_tasks.get(task.key) for model in models}, task.digits),
            "" if task.chance is None else number(task.chance, task.digits),
        )
        for task in SINGLE_TASKS
    ]


def _parts(models: list[Model]) -> list[Line]:
    """Foreground, alignment and cache, the first two with what they are held against."""
    saliency = {model.name: model.saliency for model in models}
    alignment = {model.name: model.alignment for model in models}
    return [
        _part("Foreground", "IoU of the network", saliency, "unet", ("threshold", "grabcut")),
        _part("Alignment", "token-region precision", alignment, "value", ("random", "centre")),
        *(
            Line("Feature cache", label, "", 0, _numbers({m.name: m.features.get(key) for m in models}, 0))
            for key, label in (("bytes_per_image", "bytes an image"), ("images_per_second", "images/s"))
        ),
    ]


def _part(
    group: str, name: str, values: dict[str, dict[str, float]], own: str, others: tuple[str, ...]
) -> Line:
    """One number of each model; beside it the first model's others."""
    found = next(filter(None, values.values()), {})
    beside = ", ".join(f"{key} {number(found[key], 3)}" for key in others if key in found)
    return Line(
        group, name, "", 3, _numbers({model: known.get(own) for model, known in values.items()}, 3), beside
    )


def _costs(models: list[Model]) -> list[Line]:
    sizes = {"parameters": "parameters", "trained_parameters": "of them trained", "flops": "FLOPs a pair"}
    found = [
        Line("Cost", label, "", 0, {model.name: Value(magnitude(model.cost.get(key))) for model in models})
        for key, label in sizes.items()
    ]
    loads = (
        ("pairs_per_second", "training pairs/s", ""),
        ("peak_rss_mb", "peak memory", "MB"),
        ("peak_gpu_mb", "peak GPU memory", "MB"),
    )
    found += [
        Line("Cost", label, unit, 0, _numbers({model.name: model.cost.get(key) for model in models}, 0))
        for key, label, unit in loads
    ]
    stages = dict.fromkeys(stage for model in models for stage in model.summary.seconds if stage != "total")
    in_order = sorted(stages, key=lambda name: STAGES.index(name) if name in STAGES else len(STAGES))
    for stage in [*in_order, "total"]:
        spent = {model.name: model.summary.seconds.get(stage) for model in models}
        said = {name: Value() if value is None else Value(duration(value)) for name, value in spent.items()}
        found.append(Line("Time", "all stages" if stage == "total" else stage, "", 0, said))
    return found


def _numbers(values: dict[str, float | None], digits: int) -> dict[str, Value]:
    return {model: Value(number(value, digits)) for model, value in values.items()}
