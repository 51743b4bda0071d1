"""The papers' numbers from run folders, each with its interval and what no model at all would get."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fashionvl.errors import InputError
from fashionvl.reporting.intervals import (
    Interval,
    captioning_intervals,
    generation_intervals,
    majority_baseline,
    recognition_intervals,
    retrieval_intervals,
)
from fashionvl.reporting.sums import DEPTHS
from fashionvl.runs.reading import Run

GENERATION = ("psnr", "ssim", "psnr_masked", "ssim_masked", "psnr_masked_mean_fill")

CAPTIONING = ("bleu4", "meteor", "rouge_l", "cider", "sum_cap")
"""Kaleido-BERT Table 3; METEOR, and so SumCAP, need Java and may be missing."""


@dataclass(frozen=True)
class Score:
    """One number.

    Attributes:
        value: rates in percent, macro-F in [0, 1], PSNR in dB, SSIM in [-1, 1].
        interval: 95 % bootstrap interval over queries or products, where the run kept them one by one.
        baseline: what chance, the most frequent class or a constant fill gets; None where none is defined.
    """

    value: float
    interval: Interval | None = None
    baseline: float | None = None


@dataclass(frozen=True)
class Outcome:
    """One test: its scores and what they were taken over.

    Attributes:
        scores: by metric.
        n: queries or photographs.
        candidates: a query; None where nothing is ranked.
        negatives_from: share of the negatives by where they came from, nearest first.
    """

    scores: dict[str, Score]
    n: int
    candidates: int | None = None
    negatives_from: dict[str, float] = field(default_factory=dict)

    @property
    def same_subcategory(self) -> float:
        """Share of the negatives from the query's own sub-category, in percent: how hard they are."""
        return 100 * self.negatives_from.get("subcategory", 0.0)


@dataclass(frozen=True)
class Summary:
    """Everything the table shows.

    Attributes:
        protocols: `tir`, `itr`, `m_cr`, `s_cr`, `mig`, `captioning`, as far as they were run.
        runs: the stages.
    """

    protocols: dict[str, Outcome]
    runs: list[Run]

    @property
    def seconds(self) -> dict[str, float]:
        """Time in training and test loops by stage, and their total."""
        by_stage = {run.name: round(run.seconds, 1) for run in self.runs}
        return {**by_stage, "total": round(sum(by_stage.values()), 1)}

    def common(self, key: str) -> str:
        """A fact of the record, such as the commit; every value that occurs when stages differ."""
        found = [str(run.record[key]) for run in self.runs if run.record.get(key) is not None]
        return ", ".join(dict.fromkeys(found)) or "unknown"

    def as_json(self) -> dict[str, Any]:
        """For `summary.json`; a protocol that was not run is null."""
        return {
            **{name: _plain(self.protocols.get(name)) for name in PROTOCOLS},
            "seconds": self.seconds,
            "about": {key: self.common(key) for key in ("scale", "seed", "commit")},
        }


def summarise(runs: list[Run]) -> Summary:
    """Collect every protocol from the run that was tested on it.

    Raises:
        InputError: two runs were tested on the same protocol, or a record or array is unusable.
    """
    protocols = {}
    for name, read in PROTOCOLS.items():
        tested = [run for run in runs if any(key.startswith(f"{name}/") for key in run.test)]
        if len(tested) > 1:
            raise InputError(
                f"{tested[0].path.parent}: {tested[0].name} and {tested[1].name} were both tested on {name}; "
                "a summary takes one run a stage"
            )
        if tested:
            protocols[name] = read(tested[0], name)
    return Summary(protocols, runs)


def _retrieval(run: Run, name: str) -> Outcome:
    values, queries = _values(run, name, ("r1", "r5", "r10", "sum_r"))
    sources = run.section("candidates").get(name, {}).get("negatives_from", {})
    negatives = sum(sources.values())
    if not negatives:
        return Outcome(_scores(values, retrieval_intervals(run, name), {}), queries)
    candidates = 1 + round(negatives / queries)
    chance = {f"r{k}": 100 * min(1, k / candidates) for k in DEPTHS}
    chance["sum_r"] = sum(chance.values())
    shares = {source: count / negatives for source, count in sources.items()}
    return Outcome(_scores(values, retrieval_intervals(run, name), chance), queries, candidates, shares)


def _recognition(run: Run, name: str) -> Outcome:
    values, photographs = _values(run, name, ("accuracy", "macro_f", "macro_f_all", "sum_c"))
    scores = _scores(values, recognition_intervals(run, name), majority_baseline(run, name))
    return Outcome(scores, photographs)


def _generation(run: Run, name: str) -> Outcome:
    values, photographs = _values(run, name, GENERATION)
    baseline = {"psnr_masked": values["psnr_masked_mean_fill"]}
    return Outcome(_scores(values, generation_intervals(run, name, GENERATION), baseline), photographs)


def _captioning(run: Run, name: str) -> Outcome:
    kept = tuple(metric for metric in CAPTIONING if f"{name}/{metric}" in run.test)
    values, captions = _values(run, name, kept)
    return Outcome(_scores(values, captioning_intervals(run, name), {}), captions)


PROTOCOLS: dict[str, Callable[[Run, str], Outcome]] = {
    "tir": _retrieval,
    "itr": _retrieval,
    "m_cr": _recognition,
    "s_cr": _recognition,
    "mig": _generation,
    "captioning": _captioning,
}


def _values(run: Run, name: str, metrics: tuple[str, ...]) -> tuple[dict[str, float], int]:
    """The protocol's metrics and its `n`, each of which the record must hold as a number."""
    found = {}
    for metric in (*metrics, "n"):
        value = run.test.get(f"{name}/{metric}")
        if not isinstance(value, int | float):
            file = run.path / "metrics.json"
            raise InputError(f"{file}: test has no number {name}/{metric}; test the stage again")
        found[metric] = float(value)
    return found, int(found.pop("n"))


def _scores(
    values: dict[str, float], intervals: dict[str, Interval], baselines: dict[str, float]
) -> dict[str, Score]:
    return {key: Score(value, intervals.get(key), baselines.get(key)) for key, value in values.items()}


def _plain(protocol: Outcome | None) -> dict[str, Any] | None:
    """The scores on top, as in the table; what explains them below."""
    if protocol is None:
        return None
    found: dict[str, Any] = {metric: _rounded(score.value) for metric, score in protocol.scores.items()}
    found["n"] = protocol.n
    if protocol.candidates:
        found |= {"candidates": protocol.candidates, "negatives_from": protocol.negatives_from}
    scores = protocol.scores.items()
    found["intervals"] = {metric: [_rounded(end) for end in s.interval] for metric, s in scores if s.interval}
    found["baselines"] = {metric: _rounded(s.baseline) for metric, s in scores if s.baseline is not None}
    return found


def _rounded(value: float) -> float | None:
    """To more digits than any interval carries; null for a mean over nothing, which is no number in JSON."""
    return round(value, 4) if math.isfinite(value) else None
