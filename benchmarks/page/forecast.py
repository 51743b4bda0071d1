"""GPU hours of runs at paper scale, from FLOPs and an assumed share of a GPU's peak; no GPU was measured.

GPU hours = epochs * rows * FLOPs of a row / (peak FLOP/s * MFU) / 3600
"""

from dataclasses import dataclass

from benchmarks.page.numbers import duration, significant
from benchmarks.page.tables import table

PEAK_FLOPS = 989e12
"""Peak of one GPU in bfloat16, dense; data sheet of H100 SXM and H200."""
GPUS = (1, 8)

SAID = f"""\
GPU hours = epochs × rows × FLOPs of a row / (peak × MFU) / 3600. **Every GPU figure here is assumed, none is
measured**:

- peak: {PEAK_FLOPS / 1e12:.0f} TFLOP/s, from the data sheet of the H100 SXM and the H200 (bfloat16, dense);
- MFU, the share of that peak a step reaches: guessed, given in the table; hours change in inverse proportion;
- scaling over GPUs: linear; the efficiency measured above shows what is lost on a CPU;
- loading, validation, tests, checkpoints and start-up: left out.

Epochs and rows are the papers' and their released code's; FLOPs are those of forward and backward, as torch
counts them."""  # noqa: RUF001 - multiplication signs


@dataclass(frozen=True)
class Run:
    """A piece of work at paper scale.

    Attributes:
        name: shown in the table.
        rows: photographs, with their captions, of one epoch.
        epochs: passes over the rows.
        flops: floating-point operations of a row: forward and, in training, backward.
        mfu: assumed share of the peak, in (0, 1].
    """

    name: str
    rows: int
    epochs: int
    flops: float
    mfu: float

    @property
    def gpu_hours(self) -> float:
        """Hours of one GPU by the formula above."""
        return self.epochs * self.rows * self.flops / (PEAK_FLOPS * self.mfu) / 3600


TRAIN_ROWS, ALL_ROWS = 260_480, 260_480 + 32_528
MVLT_FLOPS, KALEIDO_FLOPS = 33.59e9, 64.05e9
CROPS, CROP_FLOPS = 74, 8.18e9

# Epochs: MVLT section 4.1; Kaleido-BERT's released code, as docs/paper-notes.md has it. FLOPs: counted on the
# networks by a test, with 18 of MVLT's 128 words masked.
RUNS = (
    Run("MVLT pre-training", TRAIN_ROWS, 150, MVLT_FLOPS, 0.13),
    Run("MVLT, 20 ablation columns", TRAIN_ROWS, 20 * 150, MVLT_FLOPS, 0.13),
    Run("Kaleido-BERT pre-training", TRAIN_ROWS, 25, KALEIDO_FLOPS, 0.30),
    Run("Kaleido-BERT feature cache, once", ALL_ROWS, 1, CROPS * CROP_FLOPS, 0.20),
)


def forecast_blocks() -> list[str]:
    """Markdown: the formula with its assumptions, then a row a run."""
    header = ("run", "epochs × rows", "GFLOPs of a row", "MFU, assumed", "GPU hours, assumed")  # noqa: RUF001
    clocks = tuple(f"time on {gpus} GPU{'s' if gpus > 1 else ''}, assumed" for gpus in GPUS)
    lines = [
        (
            run.name, f"{run.epochs:,} × {run.rows:,}", significant(run.flops / 1e9),  # noqa: RUF001
            f"{100 * run.mfu:.0f} %", significant(run.gpu_hours),
            *(duration(3600 * run.gpu_hours / gpus) for gpus in GPUS),
        )
        for run in RUNS
    ]  # fmt: skip
    return [SAID, table((*header, *clocks), lines)]
