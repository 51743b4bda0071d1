"""Runs at paper scale as `benchmarks.prediction` foretells them, what it assumes, how it was checked."""

from benchmarks.page.numbers import duration, significant
from benchmarks.page.read import Scaling
from benchmarks.page.tables import table
from benchmarks.prediction import Row, check
from benchmarks.prediction import table as predictions
from benchmarks.scale.inputs import Inputs as ModelInputs
from benchmarks.scale.model import Assumptions

MODEL = """\
A step takes the longer of computing and loading, and what sticks out of the all-reduce. Left out: latency
of messages, slow starts, tests and checkpoints, failures, and processes that wait for the slowest; where
steps are short the model is an optimist. `python -m benchmarks.prediction` tells it for other assumptions."""


def prediction_blocks(model: ModelInputs, scaling: dict[str, Scaling]) -> list[str]:
    """Markdown: predictions, checks against measured scaling, assumptions.

    Args:
        model: assumptions, with what was measured in their place.
        scaling: measured scaling by device.
    """
    blocks = [MODEL, _predicted(predictions(model)), *_checks(model, scaling)]
    return [*blocks, "What the model takes for granted:", _assumed(model)]


def _predicted(rows: list[Row]) -> str:
    header = (
        "run", "GPUs", "on one run", "time", "GPU hours", "cost", "limited by", "compute, ms a step",
        "loading, ms", "exposed all-reduce, ms", "pairs/s of one GPU",
    )  # fmt: skip
    lines = [
        (
            row.run, f"{row.gpus}", f"{row.together}", duration(3600 * row.hours), significant(row.gpu_hours),
            f"{row.cost:,.0f}", row.limit, f"{row.compute:,.1f}", f"{row.loading:,.1f}",
            f"{row.exposed:,.1f}", f"{row.pairs_per_s:,.0f}, {row.source}",
        )
        for row in rows
    ]  # fmt: skip
    return table(header, lines)


def _checks(model: ModelInputs, scaling: dict[str, Scaling]) -> list[str]:
    """The model's steps against the measured ones; a sentence where there is nothing to hold it against."""
    rows = []
    for device, measured in scaling.items():
        # On a CPU all cores are taken, and nothing hides the all-reduce.
        hidden = model.assumptions.hidden if device == "cuda" else 0.0
        for one in check(measured.about["points"], hidden, model.assumptions.backward):
            times = (f"{1000 * one.predicted:,.0f}", f"{1000 * one.measured:,.0f}")
            rows.append((device, one.mode, f"{one.processes}", *times, f"{100 * one.error:+.0f} %"))
    if not rows:
        return ["The model was not checked: no step of several processes was measured."]
    header = ("device", "scaling", "processes", "predicted, ms a step", "measured, ms", "error")
    said = "Checked: fed with one process's step and one all-reduce, the model foretells steps of several."
    return [said, table(header, rows)]


def _assumed(model: ModelInputs) -> str:
    rows = [
        (f"`{name}`", f"{getattr(model.assumptions, name):.4g}", model.source(name), said)
        for name, said in Assumptions.explained().items()
    ]
    return table(("assumption", "value", "from", "what it is"), rows)
