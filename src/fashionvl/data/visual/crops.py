"""Kaleido patches cut anew at every step, for a backbone that runs inside the task."""

import numpy as np

from fashionvl.data.catalogue import CatalogueReader
from fashionvl.patches.crops import Variants
from fashionvl.patches.grid import KaleidoGrid, grown


class CropSource:
    """The crops of one split, where `FeatureCache` has their features; safe to pickle into workers.

    The pixels are those the features of a cache were computed from, given the same boxes, grid and size.
    """

    def __init__(
        self, reader: CatalogueReader, boxes: np.ndarray, grid: KaleidoGrid, patch_size: int
    ) -> None:
        """Name what is cut.

        Args:
            reader: the photographs.
            boxes: `[N, 4]` around the product of each; one too small for the grid is enlarged.
            grid: the patches.
            patch_size: height and width of a crop in pixels.
        """
        self._reader, self._boxes, self._size = reader, boxes, patch_size
        self._variants = Variants(grid)

    def take(self, rows: np.ndarray, variants: np.ndarray) -> np.ndarray:
        """Cut crops; each photograph is decoded once.

        Args:
            rows: `[B, K]` photographs, or `[B]` for the K crops of each.
            variants: `[B, K]` crops, as `Variants` numbers them.

        Returns:
            `[B, K, S, S, 3]` uint8.

        Raises:
            InputError: a photograph is smaller than a level of the grid.
        """
        rows = rows[:, None] if rows.ndim < variants.ndim else rows
        photographs, of_crop = np.unique(np.broadcast_to(rows, variants.shape), return_inverse=True)
        of_crop, wanted = of_crop.ravel(), variants.ravel()
        result = np.empty((variants.size, self._size, self._size, 3), np.uint8)
        for number, row in enumerate(photographs.tolist()):
            places = np.flatnonzero(of_crop == number)
            result[places] = self._cut(row, wanted[places])
        return result.reshape(*variants.shape, *result.shape[1:])

    def _cut(self, row: int, which: np.ndarray) -> np.ndarray:
        image = self._reader.image(row)
        x0, y0, x1, y1 = self._boxes[row].tolist()
        side = max(self._variants.grid.levels)
        box = grown((x0, y0, x1, y1), side, (image.shape[1], image.shape[0]))
        return self._variants.cut(image, box, self._size, which)
