"""The registry of tests and metrics: every report reads names, directions, digits and chance from here.

To add a metric, add one `Metric` to its protocol in `PROTOCOLS`; no other file changes. A test records it as
`PROTOCOL/KEY` under `test` in `metrics.json`. With `recomputed`, which names arrays of `PROTOCOL.npz`, it
gets intervals and paired tests; with `lower_is_better`, verdicts, colours and marks turn round; `shown` says
where it appears. To add a test, add a `Protocol`. What a record holds beyond the registry is shown as a plain
number (`with_recorded`).

This module only describes: `recomputed.py` computes metrics from arrays, `chance.py` chance levels.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from fashionvl.reporting.chance import Chance, majority, middle_rank, random_order, recorded
from fashionvl.reporting.recomputed import RECALL, RECOGNITION, Recomputed, mean_of, median_of

Place = Literal["summary", "study", "plot", "terminal", "wide terminal", "wandb", "verdict"]
"""Places that show a metric.

`summary`: `fashionvl summary` and `compare`. `study`: the tables of `fashionvl report`. `plot`: its panels of
differences. `terminal`: its table on a terminal; `wide terminal`: on one of 100 characters or more. `wandb`:
bars of a W&B report. `verdict`: the verdict of its protocol's group rests on it.
"""

TABLES: frozenset[Place] = frozenset(("summary", "study"))
EVERY_TABLE: frozenset[Place] = TABLES | {"terminal", "wide terminal", "wandb"}
NOWHERE: frozenset[Place] = frozenset()

PLAIN_DIGITS = 4
"""After the point, of a metric that the registry does not know."""


@dataclass(frozen=True)
class Metric:
    """One number of a test.

    Attributes:
        key: in the record, after the protocol's name and a slash.
        name: in tables; the papers' own where they print it.
        unit: `%`, `dB` or empty.
        digits: after the point.
        lower_is_better: the direction.
        lowest: value it can have; intervals end there.
        highest: value it can have.
        recomputed: from per-item arrays; None for what no single item has a share of, such as BLEU.
        chance: what guessing or a simple rule gets; None where none is defined.
        shown: where it appears.
        required: whether every record of its protocol must hold it.
        only_where_recorded: whether tables leave it out where no record holds it and no paper prints it.
        share: whether it is the share of independent answers, so that a printed one has an interval.
        bar: value at the end of its bar in pictures; None where it has none.
    """

    key: str
    name: str
    unit: str = ""
    digits: int = 1
    lower_is_better: bool = False
    lowest: float = 0.0
    highest: float = math.inf
    recomputed: Recomputed | None = None
    chance: Chance | None = None
    shown: frozenset[Place] = TABLES
    required: bool = True
    only_where_recorded: bool = False
    share: bool = False
    bar: float | None = None

    @property
    def range(self) -> float:
        """The largest difference that two values can have; infinite where there is none."""
        return self.highest - self.lowest

    @property
    def label(self) -> str:
        """Name and unit."""
        return f"{self.name} {self.unit}".rstrip()


@dataclass(frozen=True)
class Protocol:
    """A test, and its place in the tables.

    Attributes:
        name: in the record.
        task: in the tables.
        about: the task in words.
        stage: of a recipe whose runs are tested so.
        metrics: in order.
        items: what is tested: queries, photographs, captions.
        also_printed: other names of the task in the papers' tables.
        group: of tasks that one verdict is about; empty for none.
        stream: seed of the resampling. Tests of other items have others; tests of the same items share one,
            so that their sum is drawn together.
        total_of: protocols whose sums it adds up; empty for a test of its own.
        adds: the metric of those that it adds up.
        alike: per-item array that two runs must share to be comparable.
        is_candidate_list: whether queries rank lists drawn beforehand, which all runs must share.
        only_where_run: whether a summary leaves it out where it was not run.
    """

    name: str
    task: str
    about: str = ""
    stage: str = ""
    metrics: tuple[Metric, ...] = ()
    items: str = "items"
    also_printed: tuple[str, ...] = ()
    group: str = ""
    stream: int = 0
    total_of: tuple[str, ...] = ()
    adds: str = ""
    alike: str = ""
    is_candidate_list: bool = False
    only_where_run: bool = True

    def shown(self, place: Place) -> list[Metric]:
        """The metrics that appear in a place."""
        return [metric for metric in self.metrics if place in metric.shown]

    def metric(self, key: str) -> Metric:
        """A metric by its key; a plain one where the protocol has none of that key."""
        return next((one for one in self.metrics if one.key == key), _plain(key))

    @property
    def item_id(self) -> str:
        """The array that identifies an item."""
        return "query_id" if self.items == "queries" else "id"


def _recall(k: int) -> Metric:
    return Metric(
        f"r{k}", f"R@{k}", "%", highest=100, recomputed=RECALL, chance=random_order(f"r{k}"), share=True,
        bar=100,
    )  # fmt: skip


SUM_R = Metric(
    "sum_r", "SumR", highest=300, recomputed=RECALL, chance=random_order("sum_r"),
    shown=TABLES | {"plot", "terminal", "wandb"},
)  # fmt: skip
RANKS = (
    Metric(
        "median_rank", "median", "rank", lower_is_better=True, lowest=1,
        recomputed=median_of("rank", "median_rank"), chance=middle_rank, required=False,
        only_where_recorded=True,
    ),
    Metric(
        "mean_rank", "mean", "rank", lower_is_better=True, lowest=1,
        recomputed=mean_of("rank", "mean_rank"), chance=middle_rank, required=False,
        only_where_recorded=True,
    ),
)  # fmt: skip
LISTS = (_recall(1), _recall(5), _recall(10), SUM_R, *RANKS)
GALLERY = (
    *LISTS[:3],
    replace(SUM_R, shown=SUM_R.shown | {"verdict"}),
    replace(RANKS[0], shown=TABLES | {"plot"}),
    RANKS[1],
)

CLASSES = (
    Metric(
        "accuracy", "accuracy", "%", 2, highest=100, recomputed=RECOGNITION, chance=majority("accuracy"),
        shown=TABLES | {"terminal", "wandb", "verdict"}, share=True, bar=100,
    ),
    Metric(
        "macro_f", "macro-F", "", 3, highest=1, recomputed=RECOGNITION, chance=majority("macro_f"),
        shown=TABLES | {"wandb"},
    ),
    Metric("macro_f_all", "macro-F of all classes", "", 3, highest=1, shown=NOWHERE),
    Metric(
        "sum_c", "SumC", "", 2, highest=200, recomputed=RECOGNITION, chance=majority("sum_c"),
        shown=TABLES | {"plot"},
    ),
)  # fmt: skip

PAINTED = (
    Metric(
        "psnr_masked", "PSNR hidden", "dB", 2, lowest=-math.inf, recomputed=mean_of("psnr_masked"),
        chance=recorded("psnr_masked_mean_fill"),
        shown=TABLES | {"plot", "wide terminal", "wandb", "verdict"}, bar=40,
    ),
    Metric(
        "ssim_masked", "SSIM hidden", "", 3, lowest=-1, highest=1, recomputed=mean_of("ssim_masked"),
        shown=frozenset(("summary",)),
    ),
    Metric(
        "psnr", "PSNR", "dB", 2, lowest=-math.inf, recomputed=mean_of("psnr"), shown=frozenset(("summary",))
    ),
    Metric(
        "ssim", "SSIM", "", 3, lowest=-1, highest=1, recomputed=mean_of("ssim"),
        shown=frozenset(("summary",)),
    ),
    Metric(
        "psnr_masked_mean_fill", "PSNR hidden of a mean fill", "dB", 2, lowest=-math.inf,
        recomputed=mean_of("psnr_masked_mean_fill"), shown=NOWHERE,
    ),
)  # fmt: skip

CAPTIONS = (
    Metric("bleu4", "BLEU-4", highest=100, required=False),
    # METEOR, and so SumCAP, need Java.
    Metric("meteor", "METEOR", highest=100, required=False),
    Metric(
        "rouge_l", "ROUGE-L", highest=100, recomputed=mean_of("rouge_l"), required=False,
        shown=TABLES | {"plot", "verdict"},
    ),
    # CIDEr goes to 10, and is printed times 100 as the others are.
    Metric(
        "cider", "CIDEr", highest=1000, recomputed=mean_of("cider"), required=False,
        shown=TABLES | {"plot", "verdict", "wide terminal"},
    ),
    Metric("sum_cap", "SumCAP", highest=1300, required=False),
)  # fmt: skip

FOREGROUND = tuple(
    Metric(f"{method}_{kind}", f"{said} of {method}", digits=3, highest=1, shown=NOWHERE, required=False)
    for method in ("unet", "threshold", "grabcut")
    for kind, said in (("iou", "IoU"), ("box_iou", "IoU of boxes"))
)

FROM_IMAGE = tuple(replace(one, shown=one.shown - {"terminal"}) for one in CLASSES)
"""A terminal has no room for more columns; the verdicts below its table tell."""

FROM_TEXT = tuple(replace(one, shown=one.shown & TABLES) for one in CLASSES)
"""A caption that names its garment says nothing of a network: in tables only, without a verdict."""

PROTOCOLS: tuple[Protocol, ...] = (
    Protocol(
        "tir", "TIR", "text → image", "pretrain", LISTS, "queries", group="retrieval", stream=0,
        is_candidate_list=True, only_where_run=False,
    ),
    Protocol(
        "itr", "ITR", "image → text", "pretrain", LISTS, "queries", group="retrieval", stream=1,
        is_candidate_list=True, only_where_run=False,
    ),
    Protocol(
        "retrieval", "ITR+TIR", "together", "pretrain",
        (Metric("total", "SumR", highest=600, shown=frozenset(("study", "plot", "verdict"))),), "queries",
        group="retrieval", total_of=("tir", "itr"), adds="sum_r",
    ),
    Protocol(
        "gallery_tir", "Gallery TIR", "text → every image", "pretrain", GALLERY, "queries",
        group="gallery retrieval", stream=6,
    ),
    Protocol(
        "gallery_itr", "Gallery ITR", "image → every text", "pretrain", GALLERY, "queries",
        group="gallery retrieval", stream=7,
    ),
    Protocol(
        "m_cr", "M-CR", "main category", "recognition", CLASSES, "photographs", ("CR",), "recognition", 2,
        only_where_run=False,
    ),
    Protocol(
        "s_cr", "S-CR", "sub-category", "recognition", CLASSES, "photographs", ("SUB",), "recognition", 2,
        only_where_run=False,
    ),
    Protocol(
        "recognition", "CR+SUB", "together", "recognition",
        (Metric("total", "SumCLS", "", 2, highest=400, shown=frozenset(("study", "plot"))),), "photographs",
        group="recognition", total_of=("m_cr", "s_cr"), adds="sum_c",
    ),
    Protocol(
        "m_cr_image", "M-CR image", "photograph alone", "recognition", FROM_IMAGE, "photographs",
        group="recognition by image", stream=2,
    ),
    Protocol(
        "s_cr_image", "S-CR image", "photograph alone", "recognition", FROM_IMAGE, "photographs",
        group="recognition by image", stream=2,
    ),
    Protocol(
        "m_cr_text", "M-CR text", "caption alone", "recognition", FROM_TEXT, "photographs", stream=2
    ),
    Protocol(
        "s_cr_text", "S-CR text", "caption alone", "recognition", FROM_TEXT, "photographs", stream=2
    ),
    Protocol(
        "mig", "MIG", "in-painting", "pretrain", PAINTED, "photographs", group="generation", stream=4,
        alike="psnr_masked_mean_fill", only_where_run=False,
    ),
    Protocol(
        "captioning", "FC", "captioning", "captioning", CAPTIONS, "captions", group="captioning", stream=5
    ),
    Protocol("saliency", "Foreground", "saliency network", "saliency", FOREGROUND, "photographs"),
)  # fmt: skip
"""In the order of the tables; the totals are those of Kaleido-BERT Table 4.

SumR adds up all of R@1, R@5 and R@10, SumC accuracy and 100 macro-F (MVLT Table 2, caption).
"""


def protocol(name: str) -> Protocol:
    """A test by its name in the record; a plain one where the registry has none."""
    return next((one for one in PROTOCOLS if one.name == name), Protocol(name, name))


def parts(key: str) -> tuple[str, str]:
    """Protocol and metric of `protocol/metric`."""
    name, _, metric = key.partition("/")
    return name, metric


def known(key: str) -> Metric:
    """The metric of `protocol/metric`; a plain one where the registry has none."""
    name, metric = parts(key)
    return protocol(name).metric(metric)


def printed_key(task: str, name: str) -> str | None:
    """`protocol/metric` of a row of the papers' tables; None where the registry has no such metric."""
    for one in PROTOCOLS:
        if task in (one.task, *one.also_printed):
            return next((f"{one.name}/{metric.key}" for metric in one.metrics if metric.name == name), None)
    return None


def arrays(place: Place) -> dict[str, tuple[str, ...]]:
    """The per-item arrays behind the metrics that appear in a place, by name of their `.npz` file."""
    found = {}
    for one in PROTOCOLS:
        needed = [name for m in one.shown(place) if m.recomputed for name in m.recomputed.needed]
        if needed:
            names = (one.item_id, "product_id", *needed, *filter(None, [one.alike]))
            found[one.name] = tuple(dict.fromkeys(names))
    return found


def groups() -> dict[str, list[tuple[Protocol, Metric]]]:
    """List the metrics that each verdict rests on, by group of tasks."""
    found: dict[str, list[tuple[Protocol, Metric]]] = {}
    for one in PROTOCOLS:
        for metric in one.shown("verdict"):
            found.setdefault(one.group, []).append((one, metric))
    return found


def with_recorded(tests: Iterable[tuple[str, Mapping[str, float]]]) -> list[Protocol]:
    """The registry, and after it what records hold beyond it, such as the result of a user's own test.

    Args:
        tests: stage and test metrics of each run.

    Returns:
        Protocols in the order of the tables. Metrics that the registry does not know stand at the end of
        their protocol, under their own names, higher taken as better, without chance or interval.
    """
    known = {one.name: one for one in PROTOCOLS}
    for stage, test in tests:
        for key in test:
            name, metric = parts(key)
            if not metric or metric == "n":
                continue
            here = known.get(name, Protocol(name, name, stage=stage))
            if all(one.key != metric for one in here.metrics):
                here = replace(here, metrics=(*here.metrics, _plain(metric)))
            known[name] = here
    return list(known.values())


def _plain(key: str) -> Metric:
    return Metric(
        key, key, digits=PLAIN_DIGITS, lowest=-math.inf, shown=EVERY_TABLE, required=False,
        only_where_recorded=True,
    )  # fmt: skip
