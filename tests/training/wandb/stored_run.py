"""Contents of an offline W&B run, read back from its log of records."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BLOCK, HEADER, FILE_HEADER = 32768, 7, 7
"""Sizes of the LevelDB log format that W&B writes; its first block begins with seven bytes of its own."""


def stored(folder: Path) -> dict[str, Any]:
    """`config`, `summary`, `history` (a list), `run` and `exit_code` of the offline runs of a run folder."""
    from wandb.proto import wandb_internal_pb2 as proto

    found: dict[str, Any] = {"config": {}, "summary": {}, "history": [], "runs": []}
    for file in sorted((folder / "wandb").glob("offline-run-*/*.wandb")):
        for chunk in _records(file.read_bytes()):
            record = proto.Record()
            record.ParseFromString(chunk)
            kind = record.WhichOneof("record_type")
            if kind == "run":
                found["runs"].append(record.run)
                found["config"] |= _values(record.run.config.update)
            elif kind == "summary":
                found["summary"] |= _values(record.summary.update)
            elif kind == "history":
                found["history"].append(_values(record.history.item))
            elif kind == "exit":
                found["exit_code"] = record.exit.exit_code
    return found


def _values(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def _records(content: bytes) -> Iterator[bytes]:
    position, parts = FILE_HEADER, b""
    while position + HEADER <= len(content):
        left = BLOCK - position % BLOCK
        if left < HEADER:
            position += left
            continue
        length = int.from_bytes(content[position + 4 : position + 6], "little")
        kind = content[position + 6]
        if position + HEADER + length > len(content):
            return  # still being written
        parts += content[position + HEADER : position + HEADER + length]
        position += HEADER + length
        if kind in (1, 4):  # whole, or the last part
            yield parts
            parts = b""
