"""The comparison for the terminal and as Markdown, and what a reader must know of it."""

from itertools import groupby

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from fashionvl.reporting import metrics
from fashionvl.reporting.compare.lines import Line, Value, lines, tested
from fashionvl.reporting.compare.models import Model
from fashionvl.reporting.compare.pairing import Pairing
from fashionvl.reporting.own_captions import own_caption_notes
from fashionvl.reporting.recomputed import RESAMPLES
from fashionvl.reporting.study.formatting import ABSENT, probability, signed, signed_span, span
from fashionvl.reporting.study.markdown import table

BESIDE = "chance or simple rule"

WIDE = 100
"""Characters from which that column fits, too."""

KEY = "Δ: difference to the first model, * where p is below 0.05. Brackets: 95 %."


def title_of(models: list[Model]) -> str:
    """`MVLT and Kaleido-BERT at laptop scale`."""
    recorded = [run.record.get("scale") for model in models for run in model.runs]
    scales = dict.fromkeys(str(scale) for scale in recorded if scale)
    names = [model.name for model in models]
    joined = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    return f"{joined} at {' and '.join(scales) or 'unknown'} scale"


def notes(models: list[Model], pairing: Pairing, missing: dict[str, str]) -> list[str]:
    """List the caveats of a comparison, in sentences.

    Args:
        models: compared.
        pairing: of them.
        missing: pictures that could not be drawn, and why.
    """
    paired = any(pairing.differences.values())
    found = []
    if paired:
        others = ", ".join(pairing.differences)
        found.append(
            f"Differences are {others} minus {pairing.reference}, paired: the same queries, the same "
            f"candidates ({RESAMPLES:,} resamples of queries, or of products with all their photographs)."
        )
    found.append(
        "One training run of each model stands behind every number: only the queries vary in intervals and "
        "tests, so a real difference is one of these runs and may be luck of the seed."
    )
    if paired:
        found.append(
            "A difference counts as real when its p-value is below 0.05. Nothing is corrected over metrics."
        )
    for protocol, reason in pairing.refused.items():
        found.append(f"{metrics.protocol(protocol).task} is not paired: {reason}.")
    own = {name: one.own_caption for model in models for name, one in model.summary.protocols.items()}
    found += own_caption_notes(own)
    for model in models:
        if model.patch_tasks:
            found.append(
                f"Patch tasks of {model.name} are on the dev split, after its last epoch; divergences (KLD) "
                "are better when low."
            )
    found += [
        f"{run.name} of {model.name} saw a part of its data only ({run.limited})."
        for model in models
        for run in model.runs
        if run.limited
    ]
    cached = [model.name for model in models if model.features]
    if cached:
        found.append(
            f"Parameters, FLOPs and pairs a second of {' and '.join(cached)} are the transformer's: what is "
            "before its feature cache ran once a photograph, in the times of stages of its own."
        )
    seeds = {model.name: model.summary.common("seed") for model in models}
    found.append(f"Seeds: {', '.join(f'{name} {seed}' for name, seed in seeds.items())}.")
    commits = dict.fromkeys(model.summary.common("commit") for model in models)
    found.append(f"Commits: {'; '.join(commits)}.")
    return [*found, *(f"No picture of {name}: {reason}." for name, reason in missing.items())]


def counts_of(models: list[Model]) -> str:
    """Name the test data in one line."""
    said = []
    for protocol in tested(models):
        found = [
            outcome
            for model in models
            if (outcome := model.summary.protocols.get(protocol.name)) and outcome.n is not None
        ]
        if found:
            beside = f" of {found[0].candidates} candidates" if found[0].candidates else ""
            counts = " and ".join(dict.fromkeys(f"{outcome.n:,}" for outcome in found))
            said.append(f"{protocol.task} {counts} {protocol.items}{beside}")
    return "; ".join(said)


def comparison_text(models: list[Model], pairing: Pairing, noted: list[str], width: int) -> Group:
    """For a terminal of some characters, 80 or more: intervals below their numbers."""
    names, is_wide = [model.name for model in models], width >= WIDE
    shown = Table(title=title_of(models), box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    shown.add_column("", no_wrap=True)
    for name in names:
        shown.add_column(name, justify="right", no_wrap=True)
    for name in pairing.differences:
        shown.add_column(f"Δ of {name}" if len(names) > 2 else "Δ", justify="right", no_wrap=True)
    if is_wide:
        shown.add_column(BESIDE, justify="right")
    for group, found in groupby(lines(models, pairing), lambda line: line.group):
        shown.add_row(Text(group, style="bold"))
        for line in found:
            values = [_stacked(line, line.values[name]) for name in names]
            apart = [_difference(line, line.values[name]) for name in pairing.differences]
            shown.add_row(f"  {named(line)}", *values, *apart, *([line.beside] if is_wide else []))
        shown.add_section()
    said = [KEY, counts_of(models)] if pairing.differences else [counts_of(models)]
    return Group(shown, Text("\n".join([*said, *noted]), style="dim"))


def comparison_markdown(models: list[Model], pairing: Pairing, noted: list[str], pictures: list[str]) -> str:
    """The text of `comparison.md`.

    Args:
        models: compared.
        pairing: of them.
        noted: what `notes` says.
        pictures: names of PNG files in `pictures/` beside it.
    """
    names = [model.name for model in models]
    header = ["", "metric"]
    for name in names:
        header += [f"{name} [95 %]"]
    header += [f"Δ {name} − {pairing.reference} [95 %], p" for name in pairing.differences]  # noqa: RUF001
    rows = []
    for line in lines(models, pairing):
        values = [line.values[name] for name in names]
        said = [" ".join(filter(None, (v.said, span(v.interval, line.digits)))) for v in values]
        apart = [_tested(line, line.values[name]) for name in pairing.differences]
        rows.append([line.group, named(line), *said, *apart, line.beside])
    blocks = [f"# {title_of(models)}", counts_of(models), table([*header, BESIDE], rows)]
    blocks.append("\n".join(f"- {note}" for note in noted))
    blocks += [f"![{name}](pictures/{name}.png)" for name in pictures]
    return "\n\n".join(blocks) + "\n"


def named(line: Line) -> str:
    """The metric and its unit; an arrow down where lower is better."""
    return f"{line.name} {line.unit}".rstrip() + (" ↓" if line.lower_is_better else "")


def _stacked(line: Line, value: Value) -> str:
    return "\n".join(filter(None, (value.said, span(value.interval, line.digits))))


def _difference(line: Line, value: Value) -> str:
    found = value.difference
    if found is None:
        return ""
    said = f"{signed(found.value, line.digits)}{' *' if found.real else ''}"
    return f"{said}\n{signed_span(found.interval, line.digits)}"


def _tested(line: Line, value: Value) -> str:
    """As the study reports' Markdown has it: bold where real."""
    found = value.difference
    if found is None:
        return ABSENT
    said = f"{signed(found.value, line.digits)} {signed_span(found.interval, line.digits)}"
    return f"{f'**{said}**' if found.real else said}, p {probability(found.p_value)}"
