"""A short model of how long a run takes on N GPUs: step = max(compute, loading) + exposed all-reduce.

What it leaves out: latency of messages, slow starts, tests and checkpoints, failures, and processes that wait
for the slowest. It is therefore an optimist, most of all where steps are short.
"""

import inspect
import math
import re
from dataclasses import dataclass
from typing import Literal

Limit = Literal["compute", "loading", "network"]

GIGA, TERA, HOUR = 1e9, 1e12, 3600.0
GRADIENT_BYTES = 4
"""Of a weight: gradients are float32 under autocast as well."""


@dataclass(frozen=True)
class Assumptions:
    """What the model takes for granted where nothing was measured.

    Attributes:
        peak_tflops: TFLOP/s of one GPU in bfloat16, dense; data sheet of H100 SXM and H200.
        mfu_mvlt: share of the peak, MVLT's step; assumed: gives 3,800 pairs/s; 4,000 are aimed at.
        mfu_kaleido: share of the peak, Kaleido-BERT's step; assumed: gives 4,600 pairs/s; 5,000 are aimed
            at.
        mfu_features: share of the peak, ResNet-50 without gradients; assumed.
        least_ms: milliseconds that a step takes however small its batch, to launch its kernels; assumed.
        loader_pairs_per_s: pairs/s that one core loads; assumed: five times the released loader's 175, as
            is aimed at.
        workers: loading cores a GPU; `num_workers` of the recipes.
        hidden: share of the all-reduce that runs behind the backward pass; assumed.
        backward: share of the computation that is the backward pass; FLOPs: two of three.
        nvlink_gb_per_s: GB/s, all-reduce bus bandwidth inside a node; assumed: two thirds of the data
            sheet's 450.
        network_gb_per_s: GB/s, all-reduce bus bandwidth of a node to others; assumed: one card of 200 Gb/s.
        gpus_a_node: GPUs that NVLink joins; as in a DGX H100 or HGX H200.
        price: of one GPU hour, in any currency; assumed.
    """

    peak_tflops: float = 989.0
    mfu_mvlt: float = 0.13
    mfu_kaleido: float = 0.30
    mfu_features: float = 0.20
    least_ms: float = 10.0
    loader_pairs_per_s: float = 875.0
    workers: int = 8
    hidden: float = 0.7
    backward: float = 2 / 3
    nvlink_gb_per_s: float = 300.0
    network_gb_per_s: float = 25.0
    gpus_a_node: int = 8
    price: float = 3.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name.startswith("mfu_") and not 0 < value <= 1:
                raise ValueError(f"{name}: {value} is outside (0, 1]")
            if name in ("hidden", "backward") and not 0 <= value <= 1:
                raise ValueError(f"{name}: {value} is outside [0, 1]")
            if name in ("least_ms", "price") and value < 0:
                raise ValueError(f"{name}: {value} must not be negative")
            if name not in ("hidden", "backward", "least_ms", "price") and value <= 0:
                raise ValueError(f"{name}: {value} must be positive")

    @classmethod
    def explained(cls) -> dict[str, str]:
        """What the docstring says of each assumption: its unit and its source, on one line."""
        text = inspect.getdoc(cls) or ""
        found = re.findall(r"^    (\w+): ((?:.+)(?:\n {6,}.+)*)", text, re.MULTILINE)
        return {name: " ".join(said.split()) for name, said in found}


@dataclass(frozen=True)
class Run:
    """A piece of work at paper scale.

    Attributes:
        name: as tables show it.
        rows: photographs, with their captions, of one epoch.
        epochs: how often they are seen.
        batch: pairs a step, of all GPUs where `learns`, since what is learnt depends on it; else of each.
        flops: floating-point operations a pair, forward and, where `learns`, backward; as torch's counter
            sees them.
        parameters: that are trained.
        mfu: the assumption that says how well it uses the peak.
        work: the name in `results/cuda.json` that measures it.
        learns: whether gradients are shared.
        columns: how many such runs there are, done side by side where there are GPUs.
    """

    name: str
    rows: int
    epochs: int
    batch: int
    flops: float
    parameters: int
    mfu: str
    work: str
    learns: bool = True
    columns: int = 1

    def local_batch(self, gpus: int) -> float:
        """Pairs a GPU and step, in the mean."""
        return self.batch / gpus if self.learns else float(self.batch)

    def steps(self, gpus: int) -> float:
        """Of the whole run."""
        return self.epochs * self.rows / (self.local_batch(gpus) * gpus)


TRAIN_ROWS, ALL_ROWS = 260_480, 260_480 + 32_528
MVLT_FLOPS, MVLT_PARAMETERS = 33.59e9, 39_267_089
KALEIDO_FLOPS, KALEIDO_PARAMETERS = 64.05e9, 121_289_312
CROPS, CROP_FLOPS = 74, 8.18e9

# Epochs and batch: MVLT section 4.1 and its released code; Kaleido-BERT's released code with 8 GPUs x 64, as
# the recipe has it (docs/paper-notes.md). FLOPs and weights: counted, see the tests; words at 18 of 128.
RUNS = (
    Run(
        "MVLT pre-training", TRAIN_ROWS, 150, 1200, MVLT_FLOPS, MVLT_PARAMETERS, "mfu_mvlt",
        "MVLT training step",
    ),
    Run(
        "MVLT, 20 ablation columns", TRAIN_ROWS, 150, 1200, MVLT_FLOPS, MVLT_PARAMETERS, "mfu_mvlt",
        "MVLT training step", columns=20,
    ),
    Run(
        "Kaleido-BERT pre-training", TRAIN_ROWS, 25, 512, KALEIDO_FLOPS, KALEIDO_PARAMETERS, "mfu_kaleido",
        "Kaleido-BERT training step",
    ),
    Run(
        "Kaleido-BERT feature cache, once", ALL_ROWS, 1, 32, CROPS * CROP_FLOPS, 0, "mfu_features",
        "feature cache building", learns=False,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """Where the seconds of a step go.

    Attributes:
        compute: forward, backward and optimiser, seconds.
        loading: what the workers need for a GPU's pairs, at the same time, seconds.
        exposed: what sticks out of the all-reduce, seconds.
    """

    compute: float
    loading: float
    exposed: float

    @property
    def seconds(self) -> float:
        """Of the whole step."""
        return max(self.compute, self.loading) + self.exposed

    @property
    def limit(self) -> Limit:
        """The longest of the three."""
        parts: dict[Limit, float] = {
            "compute": self.compute, "loading": self.loading, "network": self.exposed
        }  # fmt: skip
        return max(parts, key=lambda name: parts[name])


def ring_seconds(members: int, payload: float, bandwidth: float) -> float:
    """Of a ring all-reduce: each member sends and receives 2 (N - 1) / N of the payload.

    Args:
        members: N.
        payload: bytes that each of them has.
        bandwidth: bytes a second.
    """
    return 2 * (members - 1) / members * payload / bandwidth


def allreduce_seconds(gpus: int, payload: float, given: Assumptions) -> float:
    """Inside the nodes over NVLink and, beyond one node, between the nodes over the network."""
    inside = ring_seconds(min(gpus, given.gpus_a_node), payload, given.nvlink_gb_per_s * GIGA)
    nodes = math.ceil(gpus / given.gpus_a_node)
    return inside + ring_seconds(nodes, payload, given.network_gb_per_s * GIGA)


def exposed_seconds(allreduce: float, backward: float, hidden: float) -> float:
    """What a step waits for: the share that cannot be hidden, and what the backward pass is too short for.

    Args:
        allreduce: seconds it takes by itself.
        backward: seconds there are to hide behind.
        hidden: share that could be hidden, in [0, 1].
    """
    return allreduce - min(hidden * allreduce, backward)


def assumed_pace(run: Run, given: Assumptions) -> float:
    """Pairs a second on one GPU, from FLOPs alone."""
    mfu: float = getattr(given, run.mfu)
    return given.peak_tflops * TERA * mfu / run.flops


def step(run: Run, gpus: int, pace: float, given: Assumptions) -> Step:
    """One step of a run on some GPUs.

    Args:
        run: what is done.
        gpus: how many do it together.
        pace: pairs a second that one GPU computes at a batch that fills it.
        given: everything else.
    """
    batch = run.local_batch(gpus)
    moving = batch / pace
    allreduce = allreduce_seconds(gpus, run.parameters * GRADIENT_BYTES, given) if run.learns else 0.0
    return Step(
        compute=max(moving, given.least_ms / 1000),
        loading=batch / (given.workers * given.loader_pairs_per_s),
        exposed=exposed_seconds(allreduce, given.backward * moving, given.hidden),
    )


def hours(run: Run, gpus: int, pace: float, given: Assumptions) -> float:
    """Of one run, or of one column, on GPUs that all work on it."""
    return run.steps(gpus) * step(run, gpus, pace, given).seconds / HOUR


def arrangement(run: Run, gpus: int, pace: float, given: Assumptions) -> tuple[int, float]:
    """How many GPUs work on one run together, and the hours until everything is done.

    A single run takes all of them. Columns run side by side, each on as many GPUs as any other and each taken
    to cost what the whole recipe costs; the quickest way is chosen.
    """
    sizes = [gpus] if run.columns == 1 else [size for size in range(1, gpus + 1) if gpus % size == 0]
    ways = []
    for size in sizes:
        waves = math.ceil(run.columns / (gpus // size))
        ways.append((waves * hours(run, size, pace, given), size))
    total, together = min(ways)
    return together, total
