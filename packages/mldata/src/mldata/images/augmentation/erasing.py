"""Random erasing: a rectangle of an image is filled (Zhong et al., "Random erasing data augmentation", 2017)."""

import math

import torch
from torch import Tensor

from mldata.counter_random import uniform
from mldata.images.augmentation.config import AugmentationConfig
from mldata.images.augmentation.parameters import ERASING_STREAM, NOISE_STREAM


def erase_rectangles(
    images: Tensor, config: AugmentationConfig, seed: int, epoch: int, indices: Tensor
) -> Tensor:
    """(B, C, H, W): `images` (float32), in some of which a rectangle is overwritten in place.

    The paper draws sizes until a rectangle fits. Here the aspect's range is cut to what fits an image, so
    that the area is always the one drawn (up to whole pixels) and no image needs a second try.
    """
    chosen, rectangles = draw_rectangles(config, seed, epoch, indices, images.shape[2], images.shape[3])
    places = chosen.nonzero().flatten()
    if not len(places):
        return images
    inside = rectangle_masks(rectangles[places], images.shape[2], images.shape[3]).unsqueeze(1)
    before = images[places]
    if config.erasing_fill == "noise":
        noise = uniform(seed, epoch, indices[places], before[0].numel(), stream=NOISE_STREAM)
        images[places] = torch.where(inside, noise.reshape(before.shape), before)
    else:
        images[places] = before.masked_fill_(inside, config.erasing_fill)
    return images


def draw_rectangles(
    config: AugmentationConfig, seed: int, epoch: int, indices: Tensor, height: int, width: int
) -> tuple[Tensor, Tensor]:
    """Which images lose a rectangle, (B,) bool, and its (top, left, height, width), (B, 4) int64 pixels."""
    draws = uniform(seed, epoch, indices, 5, stream=ERASING_STREAM).double().unbind(1)
    low, high = config.erasing_area
    areas = ((low + (high - low) * draws[1]) * (height * width)).clamp(min=1.0)
    # Of the aspect, height / width, all that lets the rectangle fit: height² = area · aspect <= H² and
    # width² = area / aspect <= W²; where none of the configured ones does, the nearest that does.
    least_fit, most_fit = torch.log(areas / width**2), torch.log(height**2 / areas)
    bound = -math.log(config.erasing_aspect)
    least = least_fit.clamp(min=-bound).minimum(most_fit)
    most = most_fit.clamp(max=bound).maximum(least_fit)
    aspects = torch.exp(least + (most - least) * draws[2])
    tall = (areas * aspects).sqrt().round().clamp(1, height)
    wide = (areas / tall).round().clamp(1, width)
    top, left = (draws[3] * (height - tall + 1)).floor(), (draws[4] * (width - wide + 1)).floor()
    return draws[0] < config.erasing, torch.stack((top, left, tall, wide), dim=1).long()


def rectangle_masks(rectangles: Tensor, height: int, width: int) -> Tensor:
    """(B, H, W) bool: inside the rectangles (B, 4) of (top, left, height, width)."""
    top, left, tall, wide = (column.unsqueeze(1) for column in rectangles.unbind(1))
    rows = torch.arange(height, device=rectangles.device)
    columns = torch.arange(width, device=rectangles.device)
    in_rows = (rows >= top) & (rows < top + tall)
    in_columns = (columns >= left) & (columns < left + wide)
    return in_rows.unsqueeze(2) & in_columns.unsqueeze(1)
