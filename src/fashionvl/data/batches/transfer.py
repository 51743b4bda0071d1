"""Transfer of batches from the loader to the device, with the conversion of photographs."""

from typing import Any

import lightning as L
import torch

from fashionvl.data.records import GalleryImages, PairBatch, RetrievalBatch, TensorRecord
from fashionvl.patches.batch_crops import crop_resize_batch


class OntoDevice(L.LightningDataModule):
    """Moves batches and brings their photographs into the form that tasks see.

    Attributes:
        image_size: height and width of the photographs then, pixels.
    """

    image_size: int

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Copy a batch to the device; to a GPU without waiting, as Lightning does for bare tensors only."""
        if isinstance(batch, TensorRecord) and device.type == "cuda":
            return batch.to(device, non_blocking=True)
        return super().transfer_batch_to_device(batch, device, dataloader_idx)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Bring photographs, which travel as bytes, to [0, 1]; no further normalisation (released code).

        Those that travel as they are stored are cropped and resized here.
        """
        shows = isinstance(batch, PairBatch | RetrievalBatch | GalleryImages)
        if not shows or not batch.pixel_values.numel():
            return batch
        if batch.boxes is None:
            batch.pixel_values = batch.pixel_values.float().div_(255)
        else:
            batch.pixel_values = crop_resize_batch(batch.pixel_values, batch.boxes, self.image_size)
            batch.boxes = None
        return batch
