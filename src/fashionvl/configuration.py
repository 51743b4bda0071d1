"""Configurations as flat `dotted.key: value` pairs: compared, hashed, and read from YAML files."""

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from fashionvl.errors import InputError

ABSENT = "absent"


def read_yaml(file: Path) -> dict[str, Any]:
    """The mapping a YAML file holds; an empty file holds an empty one.

    Raises:
        InputError: there is no such file, or it is not a YAML mapping.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from error
    return parse_yaml(content, file)


def parse_yaml(content: bytes, file: Path) -> dict[str, Any]:
    """The mapping of a YAML document in UTF-8.

    Args:
        content: of the file.
        file: named in an error.

    Raises:
        InputError: it is not a YAML mapping.
    """
    try:
        found = yaml.safe_load(content.decode())
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 ({error})") from error
    except yaml.YAMLError as error:
        raise InputError(f"{file}: not valid YAML ({' '.join(str(error).split())})") from error
    if found is not None and not isinstance(found, dict):
        raise InputError(f"{file}: holds a {type(found).__name__}, expected a mapping of keys")
    return found or {}


def plain(config: Any) -> Any:
    """The configuration as JSON would hold it: tuples become lists, paths become strings."""
    return json.loads(json.dumps(config, default=str))


def flatten(node: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as `dotted.key: leaf`; an empty mapping is a leaf."""
    if not isinstance(node, dict) or not node:
        return {prefix: node}
    return {
        key: value
        for name, child in node.items()
        for key, value in flatten(child, f"{prefix}.{name}" if prefix else str(name)).items()
    }


def within(key: str, sections: tuple[str, ...]) -> bool:
    """Return whether a dotted key is one of the sections, or lies below one."""
    return any(key == section or key.startswith(f"{section}.") for section in sections)


def differing(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """Keys at which two flat configurations differ, sorted."""
    return [
        key
        for key in sorted(first.keys() | second.keys())
        if first.get(key, ABSENT) != second.get(key, ABSENT)
    ]


def digest(content: Any) -> str:
    """SHA-256 of a configuration as 64 hexadecimal digits; the order of keys does not count."""
    return hashlib.sha256(json.dumps(plain(content), sort_keys=True).encode()).hexdigest()
