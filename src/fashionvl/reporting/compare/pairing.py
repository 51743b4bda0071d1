"""Two models on the same queries and the same candidates: their differences, or why there are none."""

from dataclasses import dataclass, field

from fashionvl.errors import InputError
from fashionvl.reporting import metrics
from fashionvl.reporting.compare.models import Model
from fashionvl.reporting.metrics import Protocol
from fashionvl.reporting.samples import Sample, read_sample
from fashionvl.reporting.study.estimates import Scores, score_columns
from fashionvl.reporting.study.measured import compare_with
from fashionvl.reporting.study.records import Difference
from fashionvl.runs.reading import Run

ONE_RUN = 0
"""Stands for the seed: one run of each model is compared, so that queries alone vary."""


@dataclass(frozen=True)
class Pairing:
    """Every later model against the first.

    Attributes:
        reference: name of the first model.
        differences: by model and `protocol/metric`; model minus reference.
        counts: queries or photographs of each protocol, and products where those are resampled.
        refused: by protocol, why models were not paired, in a sentence.
    """

    reference: str
    differences: dict[str, dict[str, Difference]]
    counts: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def pair(models: list[Model]) -> Pairing:
    """Compare the models on every protocol that the first and another were tested on.

    Differences of scale or data refuse all of it; other candidates, queries or photographs their protocol.
    """
    reference = models[0]
    found = Pairing(reference.name, {model.name: {} for model in models[1:]})
    for protocol in metrics.PROTOCOLS:
        runs = {model.name: run for model in models if (run := _tested(model, protocol.name))}
        if reference.name not in runs or len(runs) < 2 or not protocol.shown("summary"):
            continue
        try:
            sample = _sample(protocol, runs)
        except InputError as refusal:
            found.refused[protocol.name] = str(refusal)
            continue
        if sample is None:
            found.refused[protocol.name] = "no arrays were kept beside the records: test the stages again"
            continue
        found.counts[protocol.name] = (sample.n, sample.clusters)
        for key, by_model in _differences(protocol, sample, reference.name).items():
            for name, difference in by_model.items():
                found.differences[name][key] = difference
    return found


def _tested(model: Model, protocol: str) -> Run | None:
    return next((run for run in model.runs if any(key.startswith(f"{protocol}/") for key in run.test)), None)


def _sample(protocol: Protocol, runs: dict[str, Run]) -> Sample | None:
    """The lined-up arrays.

    Raises:
        InputError: scale, data, candidates, queries or photographs differ.
    """
    for what in ("scale", "data", "candidates", "gallery"):
        _check_same(what, {name: _fact(run, what, protocol.name) for name, run in runs.items()})
    shown = protocol.shown("summary")
    return read_sample(protocol, shown, {(name, ONE_RUN): run for name, run in runs.items()})


def _fact(run: Run, what: str, protocol: str) -> str:
    if what == "scale":
        return str(run.record.get("scale", ""))
    if what == "data":
        return str(run.section("data").get("fingerprint", ""))
    found = run.section(what).get(protocol, {})
    return str(found.get("fingerprint", "")) if isinstance(found, dict) else ""


def _check_same(what: str, values: dict[str, str]) -> None:
    """Refuse values that differ; a value that is not known is not held against a run."""
    known = {name: value for name, value in values.items() if value}
    if len(set(known.values())) > 1:
        said = ", ".join(f"{name} {value[:16]}" for name, value in known.items())
        raise InputError(f"{what} differ{'s' if what == 'scale' else ''} ({said})")


def _differences(protocol: Protocol, sample: Sample, reference: str) -> dict[str, dict[str, Difference]]:
    scores: dict[str, Scores] = score_columns(sample, protocol.stream)
    comparable = {name for name in scores if sample.same_task((name, ONE_RUN), (reference, ONE_RUN))}
    return {
        f"{protocol.name}/{metric.key}": compare_with(
            {name: found[metric.key] for name, found in scores.items() if metric.key in found},
            reference,
            comparable,
            metric.lower_is_better,
        )
        for metric in protocol.metrics
        if metric.key in scores.get(reference, {})
    }
