"""Preparation of command lines for the parser, and its error messages reduced to one line."""

import itertools
import json
import re

from fashionvl.errors import InputError

FRAME = ("Does not validate against any of the Union subtypes", "Subtypes:", "Errors:")
"""Lines of jsonargparse's nested complaints that name neither a key nor what is wrong with it."""

TYPE = re.compile(r"(?:- )?Expected an? <class '(?:\w+\.)*(\w+)'>")
"""One type that jsonargparse tried a value on."""

NOTHING = ("null", "None")
"""Spellings of no value on a command line."""


def one_line(complaint: str) -> str:
    """Reduce an error message of jsonargparse to the dotted key at fault and the first reason.

    The path leaves out `init_args`, as the command line may: `model.mir.mask.style`.
    """
    keys: list[str] = []
    lines = complaint.splitlines()
    for number, line in enumerate(lines):
        reason = line.strip().removeprefix("- ")
        if named := re.match(r'Parser key "([^"]+)":', reason):
            keys.append(named[1])
            reason = reason[named.end() :].strip()
        elif within := re.match(r"Problem with given class_path '[^']*':", reason):
            reason = reason[within.end() :].strip()
        if reason and not reason.startswith(FRAME):
            reason = _in_plain_words([reason, *lines[number + 1 :]])
            return f"{'.'.join(keys)}: {reason}" if keys else reason
    return " ".join(complaint.split())


def _in_plain_words(lines: list[str]) -> str:
    """Name all types that a value may have, where jsonargparse names the first it tried.

    Args:
        lines: the complaint from the reason on.
    """
    alternatives = list(itertools.takewhile(lambda line: TYPE.match(line.strip()), lines))
    if not alternatives:
        return lines[0].strip().removeprefix("- ")
    kinds = dict.fromkeys(kind for line in alternatives for kind in TYPE.findall(line))
    names = " or ".join("null" if kind == "NoneType" else kind for kind in kinds)
    given = re.search(r"(?:Got value|Given value): (.*)", "\n".join(lines))
    return f"expected {names}, not {given[1].strip()}" if given else f"expected {names}"


def with_nulls(words: list[str]) -> list[str]:
    """Replace each dotted `--KEY null` of a command line by one more configuration.

    Deep inside a class's arguments jsonargparse 4.53 makes the string "None" of a `null` on the command line;
    in a configuration it means nothing, as everywhere. `None`, which the agents of W&B sweeps write for a
    parameter without a value, is taken as `null`.
    """
    spelt: list[str] = []
    for word in words:
        key, equals, value = word.partition("=")
        if word in NOTHING and spelt and _dotted(spelt[-1]):
            spelt[-1:] = ["--config", _nothing_at(spelt[-1])]
        elif equals and value in NOTHING and _dotted(key):
            spelt += ["--config", _nothing_at(key)]
        else:
            spelt.append(word)
    return spelt


def _dotted(word: str) -> bool:
    return word.startswith("--") and "." in word and "=" not in word


def _nothing_at(key: str) -> str:
    content: object = None
    for name in reversed(key.removeprefix("--").split(".")):
        content = {name: content}
    return json.dumps(content)


def own_refusal(error: BaseException) -> InputError | None:
    """Find the `InputError` that jsonargparse wrapped while it tried the types of a union."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, InputError):
        cause = cause.__cause__
    return cause


def refused_class(error: BaseException) -> InputError | None:
    """Name the section whose class could not be built, and the reason, from jsonargparse's message."""
    if not isinstance(error, ValueError) or not any(part in str(error) for part in FRAME):
        return None
    return InputError(f"{one_line(str(error))}; the class cannot be built with these settings")
