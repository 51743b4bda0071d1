"""The one exception a user's mistake raises, and the check of ranges that raises it most."""

from math import inf


class InputError(ValueError):
    """Bad input: a file, field or configuration key that cannot be used.

    The message is one line that names the file, field or key, says what is wrong and what would be right. The
    command line prints it without a traceback and exits with status 2.
    """


def check_range(key: str, value: float | None, least: float, most: float = inf, above: bool = False) -> None:
    """Refuse a number outside [least, most], or outside (least, most]; NaN is outside of every range.

    Args:
        key: dotted configuration key, for the message.
        value: the number; None, which says that there is none, passes.
        least: smallest value allowed.
        most: largest value allowed.
        above: whether `least` itself is refused.

    Raises:
        InputError: the number lies outside.
    """
    if value is None or ((least < value if above else least <= value) and value <= most and abs(value) < inf):
        return
    limit = f"above {least:g}" if above else f"at least {least:g}"
    raise InputError(f"{key}: {value} must be {limit}{f' and at most {most:.15g}' if most < inf else ''}")
