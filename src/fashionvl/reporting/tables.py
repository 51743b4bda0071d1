"""The summary as one table, for the terminal and for Markdown."""

from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import JustifyMethod
from rich.table import Table

from fashionvl.reporting.intervals import CONFIDENCE, RESAMPLES
from fashionvl.reporting.summary import Score, Summary
from fashionvl.runs.reading import Run

HEADER = (
    "task", "metric", "value", f"{100 * CONFIDENCE:.0f} % interval", "chance or trivial",
    "paper (real Fashion-Gen, not comparable)",
)  # fmt: skip

RANKING = {"r1": "R@1 %", "r5": "R@5 %", "r10": "R@10 %", "sum_r": "SumR"}
CLASSIFICATION = {"accuracy": "accuracy %", "macro_f": "macro-F", "sum_c": "SumC"}
LISTED = (
    ("tir", ("TIR", "text → image"), RANKING),
    ("itr", ("ITR", "image → text"), RANKING),
    ("m_cr", ("M-CR", "main category"), CLASSIFICATION),
    ("s_cr", ("S-CR", "sub-category"), CLASSIFICATION),
    ("mig", ("MIG", "hidden area"), {"psnr_masked": "PSNR dB", "ssim_masked": "SSIM"}),
    ("mig", ("MIG", "whole image"), {"psnr": "PSNR dB", "ssim": "SSIM"}),
    (
        "captioning",
        ("FC", "captions"),
        {"bleu4": "BLEU-4", "meteor": "METEOR", "rouge_l": "ROUGE-L", "cider": "CIDEr", "sum_cap": "SumCAP"},
    ),
)
"""What the table lists, in its order: a protocol, the two lines of its name, its metrics."""

ONLY_WHERE_RUN = ("captioning",)
"""Left out where not run, since MVLT does not do it."""

PAPER = {
    "tir": {"r1": "34.60", "r5": "78.00", "r10": "89.50", "sum_r": "202.1"},
    "itr": {"r1": "33.10", "r5": "77.20", "r10": "91.10", "sum_r": "201.4"},
    "m_cr": {"accuracy": "98.26", "macro_f": "0.896", "sum_c": "187.86"},
    "s_cr": {"accuracy": "93.57", "macro_f": "0.829", "sum_c": "176.47"},
}
"""MVLT, Table 2; the paper has no numbers for MIG."""

ABSENT = "-"
NOT_RUN = "not run"


@dataclass(frozen=True)
class Row:
    """One line of the table; `first` opens a task."""

    cells: tuple[str, ...]
    first: bool


def rows_of(summary: Summary) -> list[Row]:
    """A row for every metric, also for those whose stage has not been run."""
    rows = []
    for name, task, metrics in LISTED:
        protocol = summary.protocols.get(name)
        if protocol is None and name in ONLY_WHERE_RUN:
            continue
        for position, (metric, label) in enumerate(metrics.items()):
            score = protocol.scores.get(metric) if protocol else None
            said = task[position] if position < len(task) else ""
            cells = (said, label, *_cells(metric, score), PAPER.get(name, {}).get(metric, ABSENT))
            rows.append(Row(cells, first=position == 0))
    return rows


def terminal_table(summary: Summary, title: str) -> Table:
    """For the terminal, with the caption below."""
    # Narrow enough for a terminal of 80 columns.
    table = Table(
        title=title, box=box.SIMPLE_HEAD, caption="\n".join(caption_of(summary)), caption_justify="left",
        collapse_padding=True, pad_edge=False,
    )  # fmt: skip
    for position, name in enumerate(HEADER):
        justify: JustifyMethod = "left" if position < 2 else "right"
        table.add_column(name, justify=justify, style="bold" if position == 2 else None, no_wrap=position < 4)
    rows = rows_of(summary)
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        table.add_row(*row.cells, end_section=following is not None and following.first)
    return table


def markdown_table(summary: Summary, title: str) -> str:
    """The same for `summary.md`."""
    lines = [f"# {title}", "", _line(HEADER), _line(("---", "---", "---:", "---:", "---:", "---:"))]
    lines += [_line(row.cells) for row in rows_of(summary)]
    return "\n".join([*lines, "", *(f"- {line}" for line in caption_of(summary)), ""])


def caption_of(summary: Summary) -> list[str]:
    """What stands behind the numbers."""
    lines = [ranked for name in ("tir", "itr") if (ranked := _ranking(summary, name))]
    names = {"m_cr": "M-CR", "s_cr": "S-CR", "mig": "MIG", "captioning": "FC"}
    counts = [
        f"{label}: {summary.protocols[name].n:,} photographs"
        for name, label in names.items()
        if name in summary.protocols
    ]
    lines += ["; ".join(counts)] if counts else []
    lines.append(
        "Chance or trivial: R@k of a random order; always the most frequent class; hidden pixels filled with "
        "the mean colour of the visible ones."
    )
    lines.append(f"Intervals: percentile bootstrap over queries or products, {RESAMPLES:,} resamples.")
    lines += [_cost(run) for run in summary.runs]
    facts = [f"{key} {summary.common(key)}" for key in ("scale", "seed", "commit")]
    lines.append(", ".join([_data(summary), *facts]))
    return lines


def _ranking(summary: Summary, name: str) -> str | None:
    """Queries, candidates, and how hard the candidates are."""
    protocol = summary.protocols.get(name)
    if protocol is None:
        return None
    line = f"{name.upper()}: {protocol.n:,} queries"
    if protocol.candidates:
        share = f"{protocol.same_subcategory:.1f} % of the negatives from the query's own sub-category"
        line += f", {protocol.candidates} candidates each, {share}"
    return line


def _cost(run: Run) -> str:
    """Of one stage; or that it has not ended."""
    fit, test = run.section("fit_cost"), run.section("test_cost")
    if not fit and not test:
        return f"{run.name}: training has not ended"
    said = [f"{run.record.get('parameters', 0):,} parameters"]
    if fit:
        said.append(
            f"{fit['steps']:,} steps in {fit['seconds']:,.0f} s ({fit['pairs_per_second']:,.0f} pairs/s)"
        )
    if test:
        said.append(f"test in {test['seconds']:,.0f} s")
    peak = max(cost.get("peak_rss_mb", 0) for cost in (fit, test))
    return f"{run.name}: {', '.join(said)}, peak memory {peak:,.0f} MB"


def _data(summary: Summary) -> str:
    """Of the first stage that recorded it."""
    data = next((found for run in summary.runs if (found := run.section("data"))), {})
    counts = ", ".join(f"{count:,} {split}" for split, count in data.get("rows", {}).items())
    return f"data {Path(data.get('root', 'unknown')).name} ({counts} photographs)"


def _cells(metric: str, score: Score | None) -> tuple[str, str, str]:
    if score is None:
        return NOT_RUN, ABSENT, ABSENT
    interval = " to ".join(number(metric, end) for end in score.interval) if score.interval else ABSENT
    return (
        number(metric, score.value),
        interval,
        ABSENT if score.baseline is None else number(metric, score.baseline),
    )


def number(metric: str, value: float) -> str:
    """With as many digits as the interval can carry."""
    return f"{value:.3f}" if metric.startswith(("macro_f", "ssim")) else f"{value:.1f}"


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"
