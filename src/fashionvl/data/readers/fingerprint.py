"""Content hashes of files too large to read in full."""

from pathlib import Path
from typing import Any

BLOCKS = 256
BLOCK_BYTES = 16 * 1024


def hash_samples(digest: Any, path: Path, blocks: int = BLOCKS, block_bytes: int = BLOCK_BYTES) -> None:
    """Feed a file's size and evenly spread blocks of it to a `hashlib` digest.

    The first and the last byte are always covered; a file of at most `blocks * block_bytes` bytes is hashed
    whole.

    Args:
        digest: object with an `update` method.
        path: the file.
        blocks: how many blocks to sample, at least 2.
        block_bytes: bytes a block.
    """
    size = path.stat().st_size
    digest.update(size.to_bytes(8, "little"))
    with path.open("rb") as file:
        if size <= blocks * block_bytes:
            digest.update(file.read())
            return
        for block in range(blocks):
            file.seek((size - block_bytes) * block // (blocks - 1))
            digest.update(file.read(block_bytes))
