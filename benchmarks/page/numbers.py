"""Numbers as the page writes them: as many digits as they deserve."""

import math

ABSENT = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"
GIGA = 1e9


def significant(value: float, digits: int = 3) -> str:
    """Format with so many significant digits and no powers of ten: `0.0123`, `4.30`, `12,345`."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    leading = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    return f"{value:,.{max(0, digits - 1 - leading)}f}"


def ratio(value: float) -> str:
    """2.72 or 13.4, with a sign of multiplication behind it."""
    return f"{value:,.{_decimals(value)}f}{TIMES}"


def span(least: float, greatest: float, about: float) -> str:
    """`2.61..2.80`, with the digits of the number in between."""
    decimals = _decimals(about)
    return f"{least:,.{decimals}f}..{greatest:,.{decimals}f}"


def spread(median: float, least: float, greatest: float) -> str:
    """A ratio and in brackets its least and greatest."""
    return f"{ratio(median)} ({span(least, greatest, median)})"


def share(value: float | None) -> str:
    """Format as percent: `18 %`, below ten `4.3 %`."""
    if value is None:
        return ABSENT
    return f"{100 * value:.{0 if abs(value) >= 0.0995 else 1}f} %"


def pace(value: float | None, item: str) -> str:
    """`4,120 pairs`, of one second."""
    return ABSENT if value is None else f"{significant(value)} {item}s"


def gigabytes(bytes_per_second: float | None) -> str:
    """`12.4 GB/s`."""
    return ABSENT if bytes_per_second is None else f"{significant(bytes_per_second / GIGA)} GB/s"


def flops(per_second: float) -> str:
    """`1.31 TFLOP/s`, below one tera `812 GFLOP/s`."""
    unit, size = ("TFLOP/s", 1e12) if per_second >= 1e12 else ("GFLOP/s", GIGA)
    return f"{significant(per_second / size)} {unit}"


def duration(seconds: float) -> str:
    """`48 s`, `7 min 12 s`, `2 h 50 min`."""
    whole = round(seconds)
    if whole >= 3600:
        minutes = round(seconds / 60)
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def _decimals(value: float) -> int:
    return 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
