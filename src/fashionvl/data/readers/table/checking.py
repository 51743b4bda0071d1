"""Looking for pictures that cannot be decoded, once."""

import hashlib
import json
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path

from rich.progress import track

from fashionvl.data.readers.table.archives import Members
from fashionvl.errors import InputError
from fashionvl.files.whole import written_whole

BLOCK = 512
"""Pictures that a process takes at a time."""

ENOUGH_FOR_A_POOL = 2 * BLOCK


def broken_pictures(members: Members, mark: str, cache: Path, workers: int) -> dict[int, str]:
    """The pictures that cannot be decoded, and why; on first use every one is decoded.

    Args:
        members: the pictures.
        mark: identity of the pictures, under which the answer is kept.
        cache: folder to keep it in.
        workers: processes that decode; 0 decodes in this one.
    """
    # A zip's checksums tell what the mark of sizes and samples may not.
    mark = hashlib.sha256(mark.encode() + members.crc.astype("<i8").tobytes()).hexdigest()
    kept = cache / f"checked-{mark[:16]}.json"
    if kept.exists():
        # Looked at again, as one may have been mended since.
        return _broken(members, [int(row) for row in json.loads(kept.read_text())])
    blocks = [range(start, min(start + BLOCK, len(members))) for start in range(0, len(members), BLOCK)]
    title = "checking pictures"
    broken: dict[int, str] = {}
    if workers < 2 or len(members) < ENOUGH_FOR_A_POOL:
        for block in track(blocks, title, transient=True):
            broken |= _broken(members, block)
    else:
        method = "fork" if "fork" in get_all_start_methods() else "spawn"
        with ProcessPoolExecutor(workers, mp_context=get_context(method)) as pool:
            found = pool.map(_broken, [members] * len(blocks), blocks)
            for part in track(found, title, total=len(blocks), transient=True):
                broken |= part
    with written_whole(kept) as file:
        file.write(json.dumps(broken).encode())
    return broken


def _broken(members: Members, rows: Iterable[int]) -> dict[int, str]:
    broken = {}
    for row in rows:
        try:
            members.picture(row)
        except InputError as error:
            broken[row] = str(error)
    return broken
