"""Brightness, contrast and saturation of photographs, as torchvision's ColorJitter defines them, in this order."""

import torch
from torch import Tensor

from mldata.counter_random import uniform
from mldata.images.augmentation.config import AugmentationConfig
from mldata.images.augmentation.exactness import to_multiples
from mldata.images.augmentation.parameters import COLOUR_STREAM

_LUMA = (0.2989, 0.587, 0.114)  # ITU-R 601-2, as Pillow and torchvision weight red, green and blue
_BITS = 24  # fractional bits of a mean, so that no order of summation can be seen in it


def jitter_colours(
    images: Tensor, config: AugmentationConfig, seed: int, epoch: int, indices: Tensor
) -> Tensor:
    """(B, C, H, W) in [0, 1]: each image with its own three factors, uniform in [1 - v, 1 + v]."""
    draws = uniform(seed, epoch, indices, 3, stream=COLOUR_STREAM)
    strengths = (config.brightness, config.contrast, config.saturation)
    factors = [
        (1.0 + strength * (2.0 * draw - 1.0)).view(-1, 1, 1, 1)
        for strength, draw in zip(strengths, draws.unbind(1), strict=True)
    ]
    if config.brightness > 0.0:
        images = (images * factors[0]).clamp_(0.0, 1.0)
    if config.contrast > 0.0:
        images = blend(images, mean_grey(images), factors[1])
    if config.saturation > 0.0:
        images = blend(images, grey(images), factors[2])
    return images


def blend(images: Tensor, others: Tensor, factors: Tensor) -> Tensor:
    """factor · image + (1 - factor) · other, within [0, 1]."""
    return (images * factors + others * (1.0 - factors)).clamp_(0.0, 1.0)


def grey(images: Tensor) -> Tensor:
    """(B, 1, H, W): the luminance of images (B, 3, H, W); grey images are their own."""
    if images.shape[1] != 3:
        return images
    red, green, blue = images.unbind(1)
    return (red * _LUMA[0] + green * _LUMA[1] + blue * _LUMA[2]).unsqueeze(1)


def mean_grey(images: Tensor) -> Tensor:
    """(B, 1, 1, 1): the mean luminance."""
    means = grey(images).double().mean(dim=(1, 2, 3), keepdim=True)
    return to_multiples(means, _BITS).to(torch.float32)
