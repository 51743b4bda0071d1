"""Cutting a whole batch of photographs where it is, on the device."""

import torch
import torch.nn.functional as F
from torch import Tensor


def crop_resize_batch(frames: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Crop each photograph to its box and stretch the crop to a square.

    The batched counterpart of `fashionvl.patches.crops.crop_resize` for crops that grow or keep their size,
    and within one of 255 steps of it: bilinear, sampled at the middle of the pixels, never beyond the box.
    The counterpart rounds its weights to 11 bits and the result to bytes, this does not. A crop that shrinks
    would have to be averaged, which is not done here.

    Nothing here waits for the device, and autocast changes nothing.

    Args:
        frames: `[B, 3, H, W]` uint8.
        boxes: `[B, 4]` integers: x0, y0, x1, y1 with exclusive ends, not empty, inside the frame.
        size: height and width of the result in pixels, at least those of every box.

    Returns:
        `[B, 3, size, size]` float32 in [0, 1].
    """
    height, width = frames.shape[-2:]
    x0, y0, x1, y1 = boxes.to(torch.float32).unbind(1)
    x = _places(x0, x1, size, width)[:, None, :].expand(-1, size, -1)
    y = _places(y0, y1, size, height)[:, :, None].expand(-1, -1, size)
    found = F.grid_sample(
        frames.to(torch.float32), torch.stack([x, y], dim=-1), mode="bilinear", align_corners=True
    )
    return found.div_(255)


def _places(start: Tensor, end: Tensor, size: int, limit: int) -> Tensor:
    """Compute the centres of `size` pixels along one axis, `[B, size]`; -1 and 1 are its outer pixels."""
    middle = torch.arange(size, dtype=torch.float32, device=start.device) + 0.5
    place = start[:, None] + middle * ((end - start) / size)[:, None] - 0.5
    # Between the middles of the outer pixels of the box, so that no neighbour of the box shines through.
    place = place.clamp(start[:, None], end[:, None] - 1)
    return place * (2 / max(limit - 1, 1)) - 1
