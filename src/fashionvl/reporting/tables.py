"""The summary as one table, for the terminal and for Markdown."""

from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import JustifyMethod
from rich.table import Table

from fashionvl.reporting import metrics
from fashionvl.reporting.metrics import Metric, Protocol
from fashionvl.reporting.papers import paper_table
from fashionvl.reporting.recomputed import CONFIDENCE, RESAMPLES
from fashionvl.reporting.summary import Outcome, Score, Summary
from fashionvl.runs.reading import Run

HEADER = (
    "task", "metric", "value", f"{100 * CONFIDENCE:.0f} % interval", "chance or trivial",
    "paper (real Fashion-Gen data, not comparable)",
)  # fmt: skip

PAPER = ("mvlt_table2", "MVLT")
"""Table and column of the paper's numbers; it has none for MIG."""

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
    table, column = PAPER
    printed = paper_table(table)[column]
    for protocol in _listed(summary):
        outcome = summary.protocols.get(protocol.name)
        listed = [
            metric
            for metric in protocol.shown("summary")
            if not metric.only_where_recorded or (outcome and metric.key in outcome.scores)
        ]
        for position, metric in enumerate(listed):
            said = (protocol.task, protocol.about)[position] if position < 2 else ""
            score = outcome.scores.get(metric.key) if outcome else None
            paper = printed.get(f"{protocol.name}/{metric.key}")
            cells = (said, metric.label, *_cells(metric, score), _number(metric, paper))
            rows.append(Row(cells, first=position == 0))
    return rows


def _listed(summary: Summary) -> list[Protocol]:
    """Those of the registry, whether run or not, and those that only a record knows."""
    known = {one.name: one for one in metrics.PROTOCOLS if one.shown("summary") and not one.only_where_run}
    found = {name: outcome.protocol for name, outcome in summary.protocols.items()}
    order = [one.name for one in metrics.PROTOCOLS]
    every = {**known, **found}
    return sorted(every.values(), key=lambda one: order.index(one.name) if one.name in order else len(order))


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
    """List the sources of the numbers."""
    outcomes = list(summary.protocols.values())
    lines = [_ranking(outcome) for outcome in outcomes if outcome.protocol.items == "queries"]
    counts = [
        f"{one.protocol.task}: {one.n:,} {one.protocol.items}"
        for one in outcomes
        if one.protocol.items != "queries" and one.n is not None
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


def _ranking(outcome: Outcome) -> str:
    """Queries, candidates, and how hard the candidates are."""
    line = f"{outcome.protocol.task}: {outcome.n:,} queries"
    if outcome.candidates:
        line += f", {outcome.candidates:,} candidates each"
    if outcome.negatives_from:
        line += f", {outcome.same_subcategory:.1f} % of the negatives from the query's own sub-category"
    if outcome.own_caption is not None:
        line += f", {outcome.own_caption:.1f} % of the queries meet their own caption among them"
    return line


def _cost(run: Run) -> str:
    """Cost of one stage, or the statement that it has not ended."""
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
    part = f"; part of the data only ({run.limited})" if run.limited else ""
    return f"{run.name}: {', '.join(said)}, peak memory {peak:,.0f} MB{part}"


def _data(summary: Summary) -> str:
    """Data of the first stage that recorded them."""
    data = next((found for run in summary.runs if (found := run.section("data"))), {})
    counts = ", ".join(f"{count:,} {split}" for split, count in data.get("rows", {}).items())
    return f"data {Path(data.get('root', 'unknown')).name} ({counts} photographs)"


def _cells(metric: Metric, score: Score | None) -> tuple[str, str, str]:
    if score is None:
        return NOT_RUN, ABSENT, ABSENT
    interval = " to ".join(_number(metric, end) for end in score.interval) if score.interval else ABSENT
    return _number(metric, score.value), interval, _number(metric, score.baseline)


def _number(metric: Metric, value: float | None) -> str:
    return ABSENT if value is None else f"{value:.{metric.digits}f}"


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"
