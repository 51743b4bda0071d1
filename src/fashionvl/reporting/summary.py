"""The papers' numbers from run folders, each with its interval and what no model at all would get."""

import math
from dataclasses import dataclass, field
from typing import Any

from fashionvl.errors import InputError
from fashionvl.reporting import metrics
from fashionvl.reporting.chance import candidates_of
from fashionvl.reporting.intervals import Interval, intervals
from fashionvl.reporting.metrics import Protocol
from fashionvl.reporting.own_captions import own_caption_share
from fashionvl.runs.reading import Run


@dataclass(frozen=True)
class Score:
    """One number.

    Attributes:
        value: in the unit of the registry, such as rates in percent and PSNR in dB.
        interval: 95 % bootstrap interval over queries or products, where the run kept them one by one.
        baseline: what guessing or a simple rule gets; None where none is defined.
    """

    value: float
    interval: Interval | None = None
    baseline: float | None = None


@dataclass(frozen=True)
class Outcome:
    """One test: its scores and what they were taken over.

    Attributes:
        protocol: of the registry, and what the record holds beyond it.
        scores: by metric.
        n: queries, photographs or captions; None where the record of an unknown test does not say.
        candidates: a query; None where nothing is ranked.
        negatives_from: share of the negatives by where they came from, nearest first.
        own_caption: share of the queries with a negative of their own caption, in percent; None where it was
            not counted.
    """

    protocol: Protocol
    scores: dict[str, Score]
    n: int | None
    candidates: int | None = None
    negatives_from: dict[str, float] = field(default_factory=dict)
    own_caption: float | None = None

    @property
    def same_subcategory(self) -> float:
        """Share of the negatives from the query's own sub-category, in percent: how hard they are."""
        return 100 * self.negatives_from.get("subcategory", 0.0)


@dataclass(frozen=True)
class Summary:
    """Everything the table shows.

    Attributes:
        protocols: by name in the record, in the order of the registry, as far as they were run.
        runs: the stages.
    """

    protocols: dict[str, Outcome]
    runs: list[Run]

    @property
    def seconds(self) -> dict[str, float]:
        """Time in training and test loops by stage, and their total."""
        by_stage = {run.name: round(run.seconds, 1) for run in self.runs}
        return {**by_stage, "total": round(sum(by_stage.values()), 1)}

    @property
    def title(self) -> str:
        """Network and scale: `MVLT at laptop scale`."""
        tested = [run.record.get("network") for run in self.runs if run.test]
        names = dict.fromkeys(str(name) for name in tested if name)
        return f"{' and '.join(names) or 'Runs'} at {self.common('scale')} scale"

    def common(self, key: str) -> str:
        """A fact of the record, such as the commit; every value that occurs when stages differ."""
        found = [str(run.record[key]) for run in self.runs if run.record.get(key) is not None]
        return ", ".join(dict.fromkeys(found)) or "unknown"

    def as_json(self) -> dict[str, Any]:
        """For `summary.json`; a protocol that was not run is null."""
        return {
            **{one.name: None for one in metrics.PROTOCOLS if one.shown("summary")},
            **{name: _plain(outcome) for name, outcome in self.protocols.items()},
            "seconds": self.seconds,
            "about": {key: self.common(key) for key in ("scale", "seed", "commit")},
        }


def summarise(runs: list[Run]) -> Summary:
    """Collect every protocol from the run that was tested on it.

    Raises:
        InputError: two runs were tested on the same protocol, or a record or array is unusable.
    """
    protocols = {}
    for protocol in metrics.with_recorded((run.name, run.test) for run in runs):
        tested = [run for run in runs if any(key.startswith(f"{protocol.name}/") for key in run.test)]
        if len(tested) > 1:
            raise InputError(
                f"{tested[0].path.parent}: {tested[0].name} and {tested[1].name} were both tested on "
                f"{protocol.name}; a summary takes one run a stage"
            )
        if tested and protocol.shown("summary"):
            protocols[protocol.name] = _outcome(tested[0], protocol)
    return Summary(protocols, runs)


def _outcome(run: Run, protocol: Protocol) -> Outcome:
    found = intervals(run, protocol)
    scores = {}
    for metric in protocol.metrics:
        value = _number(run, protocol.name, metric.key, metric.required)
        if value is not None:
            chance = metric.chance(run, protocol.name) if metric.chance else None
            scores[metric.key] = Score(value, found.get(metric.key), chance)
    n = _number(run, protocol.name, "n", any(metric.required for metric in protocol.metrics))
    sources = run.section("candidates").get(protocol.name, {}).get("negatives_from", {})
    negatives = sum(sources.values())
    shares = {source: count / negatives for source, count in sources.items()} if negatives else {}
    return Outcome(
        protocol,
        scores,
        None if n is None else int(n),
        candidates_of(run, protocol.name),
        shares,
        own_caption_share(run, protocol.name),
    )


def _number(run: Run, protocol: str, metric: str, is_required: bool) -> float | None:
    """A metric as recorded.

    Raises:
        InputError: the record must hold it as a number and does not.
    """
    value = run.test.get(f"{protocol}/{metric}")
    if isinstance(value, int | float):
        return float(value)
    if is_required:
        file = run.path / "metrics.json"
        raise InputError(f"{file}: test has no number {protocol}/{metric}; test the stage again")
    return None


def _plain(outcome: Outcome) -> dict[str, Any]:
    """The scores on top, as in the table; what explains them below."""
    found: dict[str, Any] = {metric: _rounded(score.value) for metric, score in outcome.scores.items()}
    found["n"] = outcome.n
    if outcome.candidates:
        found |= {"candidates": outcome.candidates, "negatives_from": outcome.negatives_from}
    if outcome.own_caption is not None:
        found["own_caption"] = _rounded(outcome.own_caption)
    scores = outcome.scores.items()
    found["intervals"] = {metric: [_rounded(end) for end in s.interval] for metric, s in scores if s.interval}
    found["baselines"] = {metric: _rounded(s.baseline) for metric, s in scores if s.baseline is not None}
    return found


def _rounded(value: float) -> float | None:
    """To more digits than any interval carries; null for a mean over nothing, which is no number in JSON."""
    return round(value, 4) if math.isfinite(value) else None
