"""NaN and infinities in a record: null in the file, because JSON has no word for them, and why beside it."""

import json
import math
from typing import Any

KEY = "not_finite"
"""Key of a record: of each number that is null, by section and name, `nan`, `inf` or `-inf`."""


def encoded(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with null for each number that is not finite, named under `not_finite`.

    Args:
        record: sections of plain data and of numbers of any library.
    """
    sections = {name: value for name, value in record.items() if name != KEY}
    plain, reasons = _split(json.loads(json.dumps(sections, default=float)))
    return plain | ({KEY: reasons} if reasons else {})


def decoded(record: dict[str, Any]) -> dict[str, Any]:
    """Undo `encoded`: nulls that are named under `not_finite` become the numbers they were."""
    sections = {name: value for name, value in record.items() if name != KEY}
    found: dict[str, Any] = _joined(sections, record.get(KEY))
    return found


def _split(node: Any) -> tuple[Any, Any]:
    """The node without numbers that are not finite, and these as text in the same structure."""
    if isinstance(node, float) and not math.isfinite(node):
        return None, str(node)
    if isinstance(node, dict | list):
        keys = list(node) if isinstance(node, dict) else range(len(node))
        children = {key: _split(node[key]) for key in keys}
        reasons = {str(key): why for key, (_, why) in children.items() if why is not None}
        values = {key: value for key, (value, _) in children.items()}
        return values if isinstance(node, dict) else list(values.values()), reasons or None
    return node, None


def _joined(node: Any, reasons: Any) -> Any:
    if node is None and reasons in ("nan", "inf", "-inf"):
        return float(reasons)
    if isinstance(node, dict) and isinstance(reasons, dict):
        return {key: _joined(value, reasons.get(key)) for key, value in node.items()}
    if isinstance(node, list) and isinstance(reasons, dict):
        return [_joined(value, reasons.get(str(index))) for index, value in enumerate(node)]
    return node
