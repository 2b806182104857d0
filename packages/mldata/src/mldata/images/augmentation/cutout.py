"""Cutout: a square of every image is hidden (DeVries & Taylor, 2017)."""

import torch
from torch import Tensor

from mldata.counter_random import uniform
from mldata.images.augmentation.parameters import CUTOUT_STREAM

GREY = 128  # of 255: about the mean of photographs, which is what the paper fills with


def draw_squares(
    seed: int, epoch: int, indices: Tensor, height: int, width: int, edge: int
) -> tuple[Tensor, Tensor]:
    """(B, H) and (B, W) bool: the rows and columns of each image's square.

    Its centre is uniform over the image's pixels, so that a part of the square may lie outside.
    """
    draws = uniform(seed, epoch, indices, 2, stream=CUTOUT_STREAM).double()
    hidden = []
    for axis, size in enumerate((height, width)):
        first = (draws[:, axis : axis + 1] * size).long() - edge // 2
        places = torch.arange(size, device=indices.device)
        hidden.append((places >= first) & (places < first + edge))
    return hidden[0], hidden[1]


def hide_squares(
    images: Tensor, seed: int, epoch: int, indices: Tensor, edge: int, *, channels_last: bool
) -> Tensor:
    """`images` with a grey square of `edge` pixels in each, in place.

    Args:
        images: bytes (B, H, W, C) if `channels_last`, or floats in [0, 1] (B, C, H, W).
    """
    height, width = images.shape[1:3] if channels_last else images.shape[2:]
    rows, columns = draw_squares(seed, epoch, indices, height, width, edge)
    inside = rows[:, :, None] & columns[:, None, :]
    fill = GREY if images.dtype == torch.uint8 else GREY / 255
    return images.masked_fill_(inside.unsqueeze(3 if channels_last else 1), fill)
