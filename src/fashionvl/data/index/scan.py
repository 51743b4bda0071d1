"""One pass over every photograph of a catalogue: foreground boxes and, when wanted, resized copies."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.progress import track

from fashionvl.data.catalogue import CatalogueReader, place_of
from fashionvl.data.index.foreground import nonwhite_box
from fashionvl.errors import InputError
from fashionvl.patches.crops import crop_resize

BLOCK = 512
"""Rows a worker takes at a time."""

LARGEST = np.iinfo(np.int16).max
"""Pixels a side of a photograph; boxes are kept in 16 bits."""


class Scan(NamedTuple):
    """Foreground boxes and sizes of N photographs.

    Attributes:
        boxes: `[N, 4]` int16 foreground as x0, y0, x1, y1 with exclusive ends.
        frames: `[N, 2]` int16 width and height in pixels.
    """

    boxes: np.ndarray
    frames: np.ndarray


def scan_images(
    reader: CatalogueReader, pixels: Path | None, size: int | None, workers: int = 0, crop: bool = True
) -> Scan:
    """Find each row's foreground and size; optionally keep resized photographs.

    Args:
        reader: the source.
        pixels: file for the resized photographs, `[size, size, 3]` uint8 a row; None keeps none.
        size: their height and width in pixels.
        workers: processes to use; 0 scans in this one.
        crop: keep them cropped to their foreground.

    Raises:
        InputError: a photograph is damaged, or wider or higher than `LARGEST`.
    """
    rows = len(reader)
    scan = Scan(np.zeros((rows, 4), np.int16), np.zeros((rows, 2), np.int16))
    if pixels is not None and size is not None:
        with pixels.open("wb") as file:
            file.truncate(rows * size * size * 3)
    blocks = [(start, min(start + BLOCK, rows)) for start in range(0, rows, BLOCK)]
    results = _scan_blocks(reader, blocks, pixels, size, crop, workers if len(blocks) > workers else 0)
    for (start, stop), found in zip(track(blocks, f"scanning {reader.source.name}"), results, strict=True):
        scan.boxes[start:stop], scan.frames[start:stop] = found
    return scan


def _scan_blocks(
    reader: CatalogueReader,
    blocks: list[tuple[int, int]],
    pixels: Path | None,
    size: int | None,
    crop: bool,
    workers: int,
) -> Iterator[Scan]:
    if not workers:
        yield from (_scan_block(reader, *block, pixels, size, crop) for block in blocks)
        return
    # Forked where it can be, as torch's own loaders are: a script then needs no `__main__` guard.
    method = "fork" if "fork" in get_all_start_methods() else "spawn"
    with ProcessPoolExecutor(workers, mp_context=get_context(method)) as pool:
        futures = [pool.submit(_scan_block, reader, *block, pixels, size, crop) for block in blocks]
        try:
            for future in futures:
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _scan_block(
    reader: CatalogueReader, start: int, stop: int, pixels: Path | None, size: int | None, crop: bool
) -> Scan:
    boxes, frames = np.zeros((stop - start, 4), np.int16), np.zeros((stop - start, 2), np.int16)
    kept = []
    for position, row in enumerate(range(start, stop)):
        image = reader.image(row)
        height, width = image.shape[:2]
        if max(height, width) > LARGEST:
            raise InputError(
                f"{reader.source}: {place_of(reader, row)} has {width} x {height} px, more than {LARGEST} a "
                "side; reduce it"
            )
        box = nonwhite_box(image)
        boxes[position], frames[position] = box, (width, height)
        if size is not None:
            kept.append(crop_resize(image, box if crop else (0, 0, width, height), size))
    if pixels is not None and size is not None:
        with pixels.open("r+b") as file:
            file.seek(start * size * size * 3)
            file.write(np.stack(kept).tobytes())
    return Scan(boxes, frames)
