"""Checks of hand-written YAML: each refusal names the file and the key."""

from pathlib import Path
from typing import Any

from fashionvl.errors import InputError


def check_fields(
    content: Any, file: Path, where: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> None:
    """Check that a mapping has what it needs and nothing unknown.

    Raises:
        InputError: naming the key.
    """
    at = f"{file}: {where}" if where else str(file)
    if not isinstance(content, dict):
        raise InputError(f"{at} must be a mapping with {', '.join(required)}")
    for key in required:
        if content.get(key) is None:
            raise InputError(f"{at} lacks {key!r}")
    for key in content:
        if key not in (*required, *optional):
            raise InputError(f"{at}: unknown key {key!r}; known are {', '.join((*required, *optional))}")


def member(content: dict[str, Any], key: str, kind: type, file: Path, where: str = "") -> Any:
    """A value of a type.

    Raises:
        InputError: it is of another type.
    """
    value = content[key]
    if not isinstance(value, kind):
        at = f"{where}.{key}" if where else key
        raise InputError(f"{file}: {at} is a {type(value).__name__}, expected a {kind.__name__}")
    return value


def list_of(value: Any, file: Path, where: str) -> list[str]:
    """A list of strings.

    Raises:
        InputError: it is anything else.
    """
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{file}: {where}: expected a list of names, got {value!r}")
    return value
