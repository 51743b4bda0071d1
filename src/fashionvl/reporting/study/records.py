"""Records of a study's report: computed once, written as text, Markdown and HTML."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

State = Literal["done", "unfinished", "failed", "missing"]

Interval = tuple[float, float]

Mark = Literal["better", "worse", "same"]
"""Kind of a difference; `same` was not seen to differ."""


def mark(difference: float, real: bool, lower_is_better: bool) -> Mark:
    """Judge a difference to the reference."""
    if not real:
        return "same"
    return "better" if (difference < 0) == lower_is_better else "worse"


@dataclass(frozen=True)
class Bound:
    """Size of a difference that a 95 % interval excludes, in either direction.

    Attributes:
        name: of the metric.
        value: the larger end of the interval, without its sign.
        possible: the largest difference that the metric can have; a bound beyond it excludes nothing.
        unit: of a difference, such as `points`; empty where the metric has none.
        digits: after the point.
    """

    name: str
    value: float
    possible: float
    unit: str
    digits: int


@dataclass(frozen=True)
class Verdict:
    """Verdict on a column's differences in one group of tasks.

    Attributes:
        kind: `mixed` where some are better and some worse; `same` where none was seen.
        text: one plain line.
        excluded: what is excluded of each metric in which no difference was seen.
    """

    kind: Literal["better", "worse", "mixed", "same", "not measured", "not comparable"]
    text: str
    excluded: list[Bound] = field(default_factory=list)


@dataclass(frozen=True)
class Metric:
    """A row of the papers' tables.

    Attributes:
        key: `protocol/metric` as the run's record names it: `tir/r1`, `m_cr/accuracy`.
        task: of the table: TIR, ITR, M-CR, S-CR, MIG, FC; ITR+TIR and CR+SUB of totals.
        name: of the table: R@1, accuracy, macro-F, PSNR.
        unit: `%`, `dB` or empty.
        digits: after the point.
        n: queries, photographs or captions behind it; None where no run has it.
        clusters: products those are of, where they are resampled by product; None otherwise.
        test: the paired test its differences carry, in words; empty where none can be made.
        lower_is_better: the direction.
        stage: whose runs are tested so.
        detectable: smallest true difference to the reference that is found with 80 % power at a two-sided
            level of 5 %, before Holm's correction: the median over the columns; None where no column shares
            two seeds with the reference.
    """

    key: str
    task: str
    name: str
    unit: str
    digits: int
    n: int | None = None
    clusters: int | None = None
    test: str = ""
    lower_is_better: bool = False
    stage: str = ""
    detectable: float | None = None


@dataclass(frozen=True)
class Estimate:
    """A number of ours.

    Attributes:
        value: mean over seeds, in the metric's unit.
        interval: 95 %, over queries and seeds.
        by_seed: each seed's value.
        sd: standard deviation over seeds (n - 1); None for one seed.
    """

    value: float
    interval: Interval | None
    by_seed: dict[int, float]
    sd: float | None


@dataclass(frozen=True)
class Difference:
    """Column minus reference, over the same queries and the same seeds.

    Attributes:
        value: in the metric's unit.
        interval: 95 %.
        p_value: two-sided.
        p_adjusted: after Holm, over the columns of the study for this metric.
        real: whether `p_adjusted` is below 0.05.
        mark: what it amounts to, by the metric's direction.
        detectable: smallest true difference that is found with 80 % power at a two-sided level of 5 %, before
            Holm's correction; None from one seed.
    """

    value: float
    interval: Interval
    p_value: float
    p_adjusted: float
    real: bool
    mark: Mark
    detectable: float | None = None


@dataclass(frozen=True)
class Cell:
    """One metric of one column; a part that is unknown is None."""

    ours: Estimate | None = None
    difference: Difference | None = None
    paper: float | None = None
    paper_difference: float | None = None


@dataclass(frozen=True)
class StageRun:
    """One run folder, as a number's source.

    Attributes:
        stage: of the recipe.
        seed: of the run.
        path: the run folder.
        state: `unfinished` covers running and interrupted.
        reason: why it failed, in one line; empty otherwise.
        commit: of the code; empty when unknown.
        versions: of the packages that decide the numbers.
        data: fingerprint of the data.
        pairs_per_second: of training.
        seconds: training and test, data preparation included.
        peak_mb: the largest resident memory.
        parameters: of the network.
        flops: of one forward pass of one pair; None when unknown.
        curves: `metrics.csv` by name: `[N]` steps and `[N]` values.
        limited: what held the run back from all its data; empty otherwise.
        own_captions: share of the queries with a negative of their own caption by protocol, in percent.
    """

    stage: str
    seed: int
    path: Path
    state: State
    reason: str = ""
    commit: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    data: str = ""
    pairs_per_second: float | None = None
    seconds: float | None = None
    peak_mb: float | None = None
    parameters: int | None = None
    flops: float | None = None
    curves: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)
    limited: str = ""
    own_captions: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ColumnReport:
    """One variant.

    Attributes:
        id: as in the table.
        label: what it sets, in a word or two.
        overlay: text of its overlay; empty for the unchanged recipe.
        state: of all its stages and seeds together: failed before missing before unfinished.
        cells: by metric key.
        verdicts: by group of tasks, such as `retrieval`, as far as the study has it; none for the reference.
        axis: value of the study's axis key in the resolved configuration; None without an axis or a run.
        runs: every stage and seed, those still missing too.
        picture: `[H, W, 3]` uint8 photograph with its hidden area at zero, or None where nothing is masked.
    """

    id: str
    label: str
    overlay: str
    state: State
    cells: dict[str, Cell]
    verdicts: dict[str, Verdict]
    axis: float | None
    runs: list[StageRun]
    picture: Any = None


@dataclass(frozen=True)
class StudyReport:
    """One study.

    Attributes:
        name: of the study.
        title: a few words.
        question: one sentence.
        source: where the study comes from, in words.
        axis_label: empty where the columns have no order.
        reference: id of the column the others are compared with.
        seeds: asked for.
        metrics: in the order of the table.
        columns: in the order of the study.
        paper: name of the paper's table, or None.
    """

    name: str
    title: str
    question: str
    source: str
    axis_label: str
    reference: str
    seeds: list[int]
    metrics: list[Metric]
    columns: list[ColumnReport]
    paper: str | None


@dataclass(frozen=True)
class Claim:
    """One printed difference of a paper's table against its reference column.

    Attributes:
        study: it belongs to.
        column: compared with the reference.
        metric: as `task name`.
        difference: column minus reference, in points.
        interval: 95 % of that difference for independent samples of `n` each.
        n: queries or photographs assumed.
        exceeds: whether the interval leaves 0 out.
        mark: what the difference amounts to, by the metric's direction.
    """

    study: str
    column: str
    metric: str
    difference: float
    interval: Interval
    n: int
    exceeds: bool
    mark: Mark


@dataclass(frozen=True)
class Report:
    """Everything one page shows.

    Attributes:
        title: of the page.
        scale: of every run in it.
        data: fingerprint of the data of every run in it; empty when nothing has run.
        studies: in the order asked for.
        claims: the papers' own differences, tested.
        notes: what a reader must know before believing a number, in sentences.
    """

    title: str
    scale: str
    data: str
    studies: list[StudyReport]
    claims: list[Claim]
    notes: list[str]
