"""Points of the curves that the page draws, as their files hold them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SweepPoint:
    """Cost of a pair at one size.

    Attributes:
        work: `MVLT training step` or `MVLT retrieval`.
        plan: `released`, `ours`, `best`.
        precision: of what is computed.
        axis: `batch size`, `image size` or `candidates`.
        value: on that axis.
        ms_per_pair: milliseconds, median over turns.
        ms_min: least of a turn.
        ms_max: greatest of a turn.
        peak_mb: most memory of one turn above the idle model; None where it was not measured.
    """

    work: str
    plan: str
    precision: str
    axis: str
    value: int
    ms_per_pair: float
    ms_min: float
    ms_max: float
    peak_mb: float | None = None


@dataclass(frozen=True)
class ScalingPoint:
    """A training step over several processes.

    Attributes:
        mode: `weak` (each process keeps its batch) or `strong` (all share one batch).
        processes: that train together.
        threads: of each.
        batch: pairs of each process and step.
        pairs_per_s: of all together.
        step_seconds: median.
        step_min: least.
        step_max: greatest.
        efficiency: pace over that of one process times their number; None where that was not measured.
        allreduce_share: of the step, by which adding up gradients lengthens it; noise can push it below 0.
        allreduce_gb_per_s: bus bandwidth of adding them up alone; None for one process.
    """

    mode: str
    processes: int
    threads: int
    batch: int
    pairs_per_s: float
    step_seconds: float
    step_min: float
    step_max: float
    efficiency: float | None = None
    allreduce_share: float | None = None
    allreduce_gb_per_s: float | None = None


@dataclass(frozen=True)
class TablePoint:
    """The loader alone, of a table with JPEGs, on one core.

    Attributes:
        way: `stored` or `decoded`.
        image_size: pixels.
        pairs_per_cpu_s: pairs a second of CPU time, median of the rounds.
        pairs_per_cpu_s_min: of the rounds.
        pairs_per_cpu_s_max: likewise.
        target: least pairs a second; None without one.
    """

    way: str
    image_size: int
    pairs_per_cpu_s: float
    pairs_per_cpu_s_min: float
    pairs_per_cpu_s_max: float
    target: float | None = None


@dataclass(frozen=True)
class LoadingPoint:
    """The loader alone.

    Attributes:
        layout: `hdf5`, `mapped`, `stored`, `shards`.
        storage: `warm`, `cold`, or a delay a read, such as `1 ms`.
        workers: loading processes.
        pairs_per_s: of all together.
        ratio_to_hdf5: pace over that of `hdf5` with as many workers on the same storage; None of itself.
    """

    layout: str
    storage: str
    workers: int
    pairs_per_s: float
    ratio_to_hdf5: float | None = None
