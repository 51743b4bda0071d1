"""Photographs drawn and compressed, in this process or in others."""

import multiprocessing
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from fashionvl.data.synthetic.plan import Plan
from fashionvl.data.synthetic.render import photograph

GZIP = 1
"""Level of HDF5's deflate filter: at 1 a product photograph shrinks to a seventh and decodes in 0.3 ms."""

BLOCK = 32
_AHEAD = 3


@dataclass(frozen=True, slots=True)
class Shot:
    """One photograph as the files store it.

    Attributes:
        image: deflated chunk of `input_image`.
        foreground: deflated chunk of `foreground`.
        regions: `[A, 4]` int16.
    """

    image: bytes
    foreground: bytes
    regions: np.ndarray


def shoot(plan: Plan, start: int, stop: int) -> list[list[Shot]]:
    """Draw every view of products `start` to `stop` - 1."""
    return [
        [
            Shot(
                zlib.compress(view.image.tobytes(), GZIP),
                zlib.compress(np.packbits(view.foreground).tobytes(), GZIP),
                view.regions,
            )
            for view in photograph(plan[index], plan.seed)
        ]
        for index in range(start, stop)
    ]


def shots(plan: Plan, workers: int) -> Iterator[list[Shot]]:
    """The views of every product in order, drawn by `workers` processes (1: by this one)."""
    blocks = [(start, min(start + BLOCK, plan.products)) for start in range(0, plan.products, BLOCK)]
    if workers == 1 or len(blocks) == 1:
        for start, stop in blocks:
            yield from shoot(plan, start, stop)
        return
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_one_thread)
    try:
        # Only so many blocks are under way that finished ones cannot pile up in memory.
        pending: deque[Future[list[list[Shot]]]] = deque()
        for start, stop in blocks:
            if len(pending) == _AHEAD * workers:
                yield from pending.popleft().result()
            pending.append(pool.submit(shoot, plan, start, stop))
        while pending:
            yield from pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _one_thread() -> None:
    cv2.setNumThreads(1)
