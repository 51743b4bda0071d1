"""What the parser says about a bad configuration, as the one line every other mistake gets."""

import re

from fashionvl.errors import InputError

FRAME = ("Does not validate against any of the Union subtypes", "Subtypes:", "Errors:")
"""Lines of jsonargparse's nested complaints that name neither a key nor what is wrong with it."""


def one_line(complaint: str) -> str:
    """The keys of a complaint of jsonargparse, joined to one path, and its first reason.

    The path leaves out `init_args`, as the command line may: `model.mir.mask.style`.
    """
    keys: list[str] = []
    for line in complaint.splitlines():
        reason = line.strip().removeprefix("- ")
        if named := re.match(r'Parser key "([^"]+)":', reason):
            keys.append(named[1])
            reason = reason[named.end() :].strip()
        elif within := re.match(r"Problem with given class_path '[^']*':", reason):
            reason = reason[within.end() :].strip()
        if reason and not reason.startswith(FRAME):
            return f"{'.'.join(keys)}: {reason}" if keys else reason
    return " ".join(complaint.split())


def own_refusal(error: BaseException) -> InputError | None:
    """The `InputError` behind an error: trying a union, jsonargparse wraps what a constructor raises."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, InputError):
        cause = cause.__cause__
    return cause
