"""Numbers as a reader meets them on the page."""

import math
import os.path
from pathlib import Path
from urllib.parse import quote

from fashionvl.reporting.study.records import Interval

ABSENT = "\N{EN DASH}"
UNDEFINED = "undefined"

# A hyphen is too short beside digits, and the line may break after it.
MINUS = "\N{MINUS SIGN}"


def number(value: float | None, digits: int) -> str:
    """With a true minus sign; a dash for None, `undefined` for what is not finite."""
    if value is None:
        return ABSENT
    if not math.isfinite(value):
        return UNDEFINED
    return _unsigned_zero(f"{value:,.{digits}f}").replace("-", MINUS)


def signed(value: float | None, digits: int) -> str:
    """As `number`, with a plus sign for gains; what rounds to zero has no sign."""
    said = number(value, digits)
    is_gain = value is not None and math.isfinite(value) and value > 0
    return f"+{said}" if is_gain and any(digit in said for digit in "123456789") else said


def span(interval: Interval | None, digits: int) -> str:
    """`[59.9, 62.7]`; empty for None."""
    if interval is None:
        return ""
    return f"[{', '.join(number(end, digits) for end in interval)}]"


def signed_span(interval: Interval | None, digits: int) -> str:
    """As `span`, with signs; empty for None."""
    if interval is None:
        return ""
    return f"[{', '.join(signed(end, digits) for end in interval)}]"


def probability(value: float) -> str:
    """A p-value, without claiming more than resampling can know."""
    return "<0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def magnitude(value: float | None) -> str:
    """A large count to three digits: `1.23 M`, `4.56 G`."""
    if value is None:
        return ABSENT
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"


def difference_unit(unit: str) -> str:
    """Unit of the differences of a metric: points of what is in percent."""
    return "points" if unit == "%" else unit


def table_name(paper: str) -> str:
    """`mvlt_table3` as `MVLT Table 3`."""
    model, _, table = paper.partition("_table")
    return f"{model.upper() if model == 'mvlt' else model.capitalize()} Table {table}" if table else paper


def relative_link(target: Path, folder: Path) -> str:
    """The link from a page in `folder` to a file or folder; a run in a bundle is a fragment of its file."""
    for parent in target.parents:
        if parent.is_file():
            return f"{relative_link(parent, folder)}#{quote(target.relative_to(parent).as_posix())}"
    return quote(Path(os.path.relpath(target, folder)).as_posix())


def _unsigned_zero(said: str) -> str:
    return said.removeprefix("-") if not any(digit in said for digit in "123456789") else said
