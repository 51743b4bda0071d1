"""Sections of the page in order; each says what has not been measured."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from matplotlib.figure import Figure

from benchmarks.page import bars, curves, tables
from benchmarks.page.forecast import forecast_blocks
from benchmarks.page.numbers import duration, flops, gigabytes, ratio
from benchmarks.page.read import Inputs, Measured
from benchmarks.page.sources import source_table
from benchmarks.page.style import house_style, svg
from benchmarks.page.targets import targets
from benchmarks.record import Result

MISSING = "Not measured yet."
MISSING_GPU = "Not yet measured on a GPU: `make bench-gpu`."
NAMES = {"cpu": "CPU", "cuda": "GPU"}

MEASURED = """\
Every piece of work is done by several plans in turns, A B C, C B A, in one process, so that a machine that
slows down slows all of them. The first plan is the yardstick, with a name of its own where nobody released
code for the work. **released** is the same mathematics in the way the released code computes it:
logits of all 128 positions, every head in every forward, attention written out, captions tokenised and PNG
files decoded item by item. **ours** is this code at the same precision; **best** is the fastest we have:
bfloat16, and on a GPU compiled. "Times as fast" is the ratio of a round's paces, as the median over rounds
with the least and the greatest. The **control** runs one plan twice a round: its deviation from 1
is noise, and so is any difference of that size. MFU is the achieved FLOP/s over those of a matrix product of
the same precision, measured in the same run; memory is the most held during one turn above the idle model,
against the released plan's."""


@dataclass
class Page:
    """A page as it grows.

    Attributes:
        pictures: SVG text by file name.
        blocks: Markdown paragraphs.
    """

    images: str
    pictures: dict[str, str] = field(default_factory=dict)
    blocks: list[str] = field(default_factory=list)

    def add(self, *blocks: str) -> None:
        """Append paragraphs; empty ones are left out."""
        self.blocks += [block for block in blocks if block]

    def show(self, name: str, figure: Figure | None, alt: str) -> None:
        """Append a picture, where there is one."""
        if figure is not None:
            self.pictures[f"{name}.svg"] = svg(figure)
            self.add(f"![{alt}]({self.images}/{name}.svg)")

    @property
    def text(self) -> str:
        """The whole page."""
        return "\n\n".join(self.blocks) + "\n"


def write(inputs: Inputs, images: str) -> Page:
    """The page and its pictures.

    Args:
        inputs: what was measured.
        images: folder of the pictures, seen from the page's own.
    """
    page = Page(images)
    with house_style():
        page.add(
            "# Performance",
            "Written by `python -m benchmarks.page` from `benchmarks/results/`; measure, do not edit.",
            _glance(inputs),
        )
        for title, name, section in SECTIONS:
            page.add(f"## {title}")
            section(inputs, page)
            page.add(inputs.remarks.get(name, ""))
    return page


def _glance(inputs: Inputs) -> str:
    """Count the targets met on each device measured."""
    lines = []
    for device, measured in inputs.measured.items():
        aims = [aim for row in measured.rows for aim in targets(row)]
        if aims:
            met = sum(aim.met for aim in aims)
            lines.append(
                f"**{met} of {len(aims)} targets are met on the {NAMES[device]}** ({_where(measured)})."
            )
    return "\n".join(lines)


def _where(measured: Measured) -> str:
    about = measured.about
    return str(about.get("machine", "")) if about.get("device") == "cpu" else str(about.get("device", ""))


def _how(inputs: Inputs, page: Page) -> None:
    page.add(MEASURED)
    for device, measured in inputs.measured.items():
        page.add(_machine(device, measured))


def _machine(device: str, measured: Measured) -> str:
    """Describe in one line the machine that was measured."""
    about, said = measured.about, []
    peaks = [f"{flops(peak)} in {precision}" for precision, peak in measured.matmul_flops_per_s.items()]
    if peaks:
        said.append(f"matrix product {', '.join(peaks)}")
    if measured.copy_bytes_per_s:
        said.append(f"copy {gigabytes(measured.copy_bytes_per_s)}")
    gpu = f"{about.get('device')}; " if device == "cuda" else ""
    versions = ", ".join(f"{name} {number}" for name, number in about.get("versions", {}).items())
    line = f"{NAMES[device]}: {gpu}{about.get('machine', 'unknown machine')}; {'; '.join(said)}"
    return f"{line.rstrip('; ')}. {versions}; commit {about.get('commit')}; {about.get('date')}."


def _targets(inputs: Inputs, page: Page) -> None:
    for device, name in NAMES.items():
        page.add(f"### {name}")
        measured = inputs.measured.get(device)
        if measured is None or not measured.rows:
            page.add(MISSING if device == "cpu" else MISSING_GPU)
            continue
        page.add(tables.target_table(measured), _missed(measured.rows))
        page.show(
            f"ratios-{device}",
            bars.ratio_picture(measured.rows),
            f"How many times as fast each plan is on the {name}",
        )
        page.add(
            "Bars: median over rounds; whiskers: least and greatest round; orange ticks: the target; "
            "a number is orange where any target of its plan was missed."
        )
        page.add(*_notes(measured.rows))


def _missed(rows: list[Result]) -> str:
    """List each missed target and the value reached."""
    lines = [
        f"- {row.work}, {row.plan}: target {aim.words}, {aim.measured or 'less'} reached"
        for row in rows
        for aim in targets(row)
        if not aim.met
    ]
    return "\n".join(["Missed:", "", *lines]) if lines else ""


def _notes(rows: list[Result]) -> list[str]:
    """List the notes on omissions and reduced sizes, once a work."""
    notes = {row.work: row.note for row in rows if row.note}
    return ["\n".join(f"- {work}: {note}" for work, note in notes.items())] if notes else []


def _stages(inputs: Inputs, page: Page) -> None:
    before = len(page.pictures)
    for device, measured in inputs.measured.items():
        page.show(
            f"stages-{device}",
            bars.stage_picture(measured.rows),
            f"Milliseconds of each stage by plan on the {NAMES[device]}",
        )
    if len(page.pictures) == before:
        page.add(MISSING)
    else:
        page.add("A bar is as long as an item takes, cut as a turn whose stages are timed one by one.")


def _cost(inputs: Inputs, page: Page) -> None:
    devices = [device for device in NAMES if inputs.sweeps.get(device)]
    if not devices:
        page.add(f"Batch size, image size and candidates: {MISSING.lower()}")
    if not inputs.scaling:
        page.add(f"Number of processes: {MISSING.lower()}")
    for device in [device for device in NAMES if device in {*devices, *inputs.scaling}]:
        points = inputs.sweeps.get(device, [])
        scaling = inputs.scaling[device].points if device in inputs.scaling else []
        page.show(
            f"cost-{device}",
            curves.cost_picture(points, scaling),
            f"Time and memory on the {NAMES[device]} against batch, image, candidates and processes",
        )
        if points:
            page.add(_folded(f"All points, {NAMES[device]}", tables.sweep_table(points)))


def _folded(title: str, block: str) -> str:
    return f"<details>\n<summary>{title}</summary>\n\n{block}\n\n</details>"


def _scaling(inputs: Inputs, page: Page) -> None:
    if not inputs.scaling:
        page.add(MISSING)
    for device, found in inputs.scaling.items():
        size = f" of {found.parameters / 1e6:,.1f} M parameters" if found.parameters else ""
        summed = (
            f"; {found.gradient_bytes / 1e6:,.0f} MB of gradients are added up"
            if found.gradient_bytes
            else ""
        )
        page.add(
            f"{NAMES.get(device, device)}: a training step{size}{summed}. Weak scaling keeps each "
            "process's batch, strong scaling shares one batch; dotted is ideal.",
            found.about.get("note", ""),
        )
        page.show(
            f"scaling-{device}",
            curves.scaling_picture(found.points),
            f"Pairs a second and efficiency over processes on the {NAMES.get(device, device)}",
        )
        page.add(tables.scaling_table(found.points))
    page.add("### A forecast of runs at paper scale")
    page.add(*forecast_blocks())


def _loading(inputs: Inputs, page: Page) -> None:
    if not inputs.loading:
        page.add(MISSING)
        return
    page.show(
        "loading", curves.loading_picture(inputs.loading), "Pairs a second of the loader over its workers"
    )
    page.add("Pairs a second, and how many times that of HDF5:", tables.loading_table(inputs.loading))
    if inputs.tables:
        page.add(
            "A table with JPEGs of 256 px, on one core without a worker: photographs from the copy that "
            "`store_images` keeps, or decoded each time.",
            tables.jpeg_table(inputs.tables),
        )


def _changes(inputs: Inputs, page: Page) -> None:
    if not inputs.changes:
        page.add(MISSING)
        return
    page.add(
        "The expected gain was written down before each change was made. Measured: how many times as fast "
        "with the change as without it, in turns.",
        tables.change_table(inputs.changes),
    )


def _demo(inputs: Inputs, page: Page) -> None:
    demo = inputs.demo
    if demo is None:
        page.add(MISSING)
        return
    before, after = statistics.median(demo.before_seconds), statistics.median(demo.after_seconds)
    page.add(
        f"`make demo` takes {duration(after)} ({_runs(demo.after_seconds)}); it took {duration(before)} "
        f"({_runs(demo.before_seconds)}): {ratio(before / after)} as fast."
    )
    if demo.stages:
        page.add(tables.demo_table(demo))


def _runs(seconds: list[float]) -> str:
    if len(seconds) == 1:
        return "one run"
    return f"median of {len(seconds)} runs, {duration(min(seconds))} to {duration(max(seconds))}"


def _others(inputs: Inputs, page: Page) -> None:
    page.add(tables.other_table(inputs.others) if inputs.others else "Nothing.")


def _repeat(inputs: Inputs, page: Page) -> None:
    page.add(
        "`make bench` measures on the CPU and `make bench-gpu` on the first GPU, each under ten minutes; "
        "`python -m benchmarks.page` writes this page again, and with `--check` says whether it is "
        "up to date.",
        source_table(inputs),
    )


SECTIONS: tuple[tuple[str, str, Callable[[Inputs, Page], None]], ...] = (
    ("How it was measured", "measured", _how),
    ("Targets", "targets", _targets),
    ("Where the time goes", "stages", _stages),
    ("Cost against size", "cost", _cost),
    ("Several processes", "scaling", _scaling),
    ("Loading", "loading", _loading),
    ("What was tried", "changes", _changes),
    ("The demo", "demo", _demo),
    ("Also recorded", "others", _others),
    ("How to repeat it", "repeat", _repeat),
)
"""Title, name of the remark that may end it, and what writes it."""
