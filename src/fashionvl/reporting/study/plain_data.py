"""The report's numbers for programs."""

import math
import os.path
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from fashionvl.reporting.study.records import Report

SCHEMA = 2
"""Version of `report.json`; raised when a key changes its meaning."""

LEFT_OUT = ("curves", "picture")
"""Fields that are in the run folders already and would only make the file large."""


def report_json(report: Report, folder: Path) -> dict[str, Any]:
    """The report's records as they are, with paths relative to `folder`; what is not finite becomes null."""
    return {"schema": SCHEMA, **plain(report, folder)}


def plain(node: Any, folder: Path = Path()) -> Any:
    """Records as mappings and lists; paths relative to `folder`, and null for what is not finite."""
    if is_dataclass(node):
        names = [field.name for field in fields(node) if field.name not in LEFT_OUT]
        return {name: plain(getattr(node, name), folder) for name in names}
    if isinstance(node, dict):
        return {str(key): plain(value, folder) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [plain(value, folder) for value in node]
    if isinstance(node, Path):
        return Path(os.path.relpath(node, folder)).as_posix()
    if isinstance(node, float) and not math.isfinite(node):
        return None
    return node
