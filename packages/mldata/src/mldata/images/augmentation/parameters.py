"""The draws of each image: whether and how it is flipped, mapped and shifted."""

import math
from typing import NamedTuple

from torch import Tensor

from mldata.counter_random import uniform
from mldata.images.augmentation.config import AugmentationConfig

# Streams of random numbers: one a purpose, so that switching one change on leaves the others' draws alone.
GEOMETRY_STREAM, ELASTIC_STREAM, ERASING_STREAM, NOISE_STREAM = range(4)
FLIP_STREAM, CUTOUT_STREAM, COLOUR_STREAM, MIXING_STREAM = range(4, 8)
RAND_AUGMENT_STREAM, AUTO_AUGMENT_STREAM = range(8, 10)


class Parameters(NamedTuple):
    """One value an image, each (B,); where `enabled` is false the others say: nothing."""

    enabled: Tensor  # bool
    flipped: Tensor  # bool: left and right exchanged
    angles: Tensor  # float64, radians, clockwise
    scales: Tensor  # float64, factor of the size
    shears: Tensor  # float64, radians, along the rows
    shifts_x: Tensor  # float64, pixels, to the right
    shifts_y: Tensor  # float64, pixels, downwards


def draw_parameters(config: AugmentationConfig, seed: int, epoch: int, indices: Tensor) -> Parameters:
    """Parameters of the images `indices` (B,) in an epoch: a function of (seed, epoch, index) each."""
    draws = uniform(seed, epoch, indices, 7, stream=GEOMETRY_STREAM).double().unbind(1)
    enabled = draws[0] < config.probability
    angles, scales, shears, shifts_x, shifts_y = ((2.0 * draw - 1.0) * enabled for draw in draws[2:])
    if config.whole_pixels:
        steps = 2.0 * config.translation + 1.0
        shifts = [(draw * steps).floor() - config.translation for draw in draws[5:]]
        shifts_x, shifts_y = (shift * enabled for shift in shifts)
    else:
        shifts_x, shifts_y = shifts_x * config.translation, shifts_y * config.translation
    return Parameters(
        enabled=enabled,
        flipped=enabled & _flipped(config, seed, epoch, indices, draws[1]),
        angles=angles * math.radians(config.rotation),
        scales=1.0 + scales * config.scale,
        shears=shears * math.radians(config.shear),
        shifts_x=shifts_x,
        shifts_y=shifts_y,
    )


def _flipped(config: AugmentationConfig, seed: int, epoch: int, indices: Tensor, draw: Tensor) -> Tensor:
    """(B,) bool."""
    if not config.alternating_flip:
        return draw < config.horizontal_flip
    first = uniform(seed, 0, indices, 1, stream=FLIP_STREAM)[:, 0] < 0.5
    return first ^ (epoch % 2 == 1)
