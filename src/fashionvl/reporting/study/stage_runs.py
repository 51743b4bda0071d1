"""One run folder of a study: where it stands, and the facts a report shows of it."""

import json
from dataclasses import dataclass

from fashionvl.errors import InputError
from fashionvl.reporting import metrics
from fashionvl.reporting.own_captions import own_caption_share
from fashionvl.reporting.study.records import StageRun, State
from fashionvl.runs.reading import COSTS, Run

TRACES = ("config.yaml", "metrics.json", "metrics.csv", "checkpoints")
"""Any of them means that the stage was begun."""


@dataclass(frozen=True)
class StudyRun:
    """A run folder, and what is shown of it."""

    read: Run
    shown: StageRun

    @property
    def usable(self) -> bool:
        """Return whether its numbers may stand in a table: all of them are there, and of one attempt."""
        return self.shown.state == "done"


def read_study_run(run: Run, stage: str, seed: int, shared: bool) -> StudyRun:
    """Find out where a run stands, which may be missing, unfinished or failed.

    Args:
        run: as read.
        stage: its stage.
        seed: its seed.
        shared: whether the stage is one for all columns, which has no test.

    Raises:
        InputError: a file in it is damaged or comes from a newer fashionvl.
    """
    state, reason = _state(run, shared)
    record = run.record
    fit, costs = run.section("fit_cost"), [run.section(name) for name in COSTS]
    peaks = [cost["peak_rss_mb"] for cost in costs if "peak_rss_mb" in cost]
    log = run.log()
    return StudyRun(
        run,
        StageRun(
            stage=stage,
            seed=seed,
            path=run.path,
            state=state,
            reason=reason,
            commit=str(record.get("commit") or ""),
            versions=run.section("versions"),
            data=str(run.section("data").get("fingerprint", "")),
            pairs_per_second=fit.get("pairs_per_second"),
            seconds=run.seconds if any(costs) else None,
            peak_mb=max(peaks) if peaks else None,
            parameters=record.get("parameters"),
            flops=record.get("flops"),
            curves={name: (series.steps.tolist(), series.values.tolist()) for name, series in log.items()},
            limited=run.limited,
            own_captions={
                name: share
                for name in run.section("candidates")
                if (share := own_caption_share(run, name)) is not None
            },
        ),
    )


def _state(run: Run, shared: bool) -> tuple[State, str]:
    """Failed before anything else: numbers beside a failure may be of an earlier attempt."""
    failure = run.read("failed.json")
    if failure is not None:
        return "failed", _reason(failure)
    if not any(run.has(trace) for trace in TRACES):
        return "missing", ""
    if "predict" in run.record:
        return "done", ""
    if "fit" in run.record and ("test" in run.record or shared or not _asks_for_test(run)):
        return "done", ""
    return "unfinished", ""


def _asks_for_test(run: Run) -> bool:
    config = run.config()
    return config is None or bool(config.get("then_test"))


def _reason(failure: bytes) -> str:
    """One line; a failure must not keep the report from being written, so a damaged note is only named."""
    try:
        found = json.loads(failure)
        return f"{found['stage']}: {' '.join(str(found['error']).split())}"
    except (ValueError, KeyError, TypeError):
        return "failed.json cannot be read"


def check_same(runs: list[StudyRun], scale: str) -> str:
    """Check that runs may stand in one table: one scale, one data set, one set of candidates or gallery.

    Returns:
        The fingerprint of the data, or an empty string where nothing has recorded one.

    Raises:
        InputError: naming two run folders and their values.
    """
    recorded = [run for run in runs if run.read.record]
    for run in recorded:
        found = run.read.record.get("scale", scale)
        if found != scale:
            raise InputError(
                f"{run.shown.path}: a run at {found} scale, but the report is of {scale}; "
                "numbers compare inside one scale only"
            )
    for name in (one.name for one in metrics.PROTOCOLS if one.is_candidate_list):
        _one_value(
            recorded, f"candidates of {name}", [_fingerprint(run, "candidates", name) for run in recorded]
        )
    for name in dict.fromkeys(name for run in recorded for name in run.read.section("gallery")):
        _one_value(recorded, f"gallery of {name}", [_fingerprint(run, "gallery", name) for run in recorded])
    return _one_value(recorded, "data", [run.shown.data for run in recorded])


def _fingerprint(run: StudyRun, section: str, protocol: str) -> str:
    found = run.read.section(section).get(protocol, {})
    return str(found.get("fingerprint", "")) if isinstance(found, dict) else ""


def _one_value(runs: list[StudyRun], what: str, values: list[str]) -> str:
    """The value that all runs which know it share."""
    known = [(run, value) for run, value in zip(runs, values, strict=True) if value]
    for run, value in known:
        if value != known[0][1]:
            raise InputError(
                f"{known[0][0].shown.path} and {run.shown.path}: {what} differ ({known[0][1][:16]} and "
                f"{value[:16]}); runs of one report must share them"
            )
    return known[0][1] if known else ""
