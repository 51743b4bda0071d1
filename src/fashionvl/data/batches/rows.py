"""Photographs as they are stored, in order, for what is computed once a photograph."""

import numpy as np
from torch.utils.data import Dataset

from fashionvl.data.catalogue import CatalogueReader, Piece, Split
from fashionvl.data.records import RowImages


class RowDataset(Dataset[RowImages]):
    """The photographs of some pieces, in batches that never cross from one piece into the next."""

    def __init__(self, readers: dict[Split, CatalogueReader], pieces: list[Piece], batch_size: int) -> None:
        """Lay out the batches.

        Args:
            readers: by split.
            pieces: in the order they are worked through.
            batch_size: photographs a batch holds at most.
        """
        self._readers = readers
        self._batches = [
            (piece.split, piece.rows[start : start + batch_size], start + batch_size >= len(piece.rows))
            for piece in pieces
            for start in range(0, len(piece.rows), batch_size)
        ]

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, position: int) -> RowImages:
        split, rows, closes = self._batches[position]
        reader = self._readers[split]
        images = [reader.image(int(row)) for row in rows]
        of_one_size = len({image.shape for image in images}) == 1
        return RowImages(split, rows, np.stack(images) if of_one_size else images, closes)
