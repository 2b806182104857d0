"""Smooth random displacements: white noise on a lattice, smoothed by a Gaussian with one matrix an axis.

Simard, Steinkraus & Platt ("Best practices for convolutional neural networks", ICDAR 2003) draw one random
number a pixel and smooth the image of them with a Gaussian of standard deviation sigma. What comes out is so
smooth that the noise need not stand on every pixel: noise on a lattice with a node every 1.25 sigma, smoothed
by the same Gaussian, has the same covariance, exp(-distance² / 4 sigma²), within 0.4 % (the ripple of a sum
of Gaussians that far apart, 2 exp(-pi² / 1.25²)). For 28 pixels and sigma 4 that is 11 × 11 numbers an axis
instead of more than 2,000, and the noise reaches beyond the image, so that its border moves like its middle.
"""

import math

import torch
from torch import Tensor

from mldata.counter_random import normal
from mldata.images.augmentation.exactness import to_multiples
from mldata.images.augmentation.parameters import ELASTIC_STREAM

_SPACING = 1.25  # of the lattice, in sigma
_REACH = 2.5  # in sigma: how far beyond the image nodes matter (weight exp(-3.1), variance exp(-6.2))
_BITS = 14  # a displacement's fractional bits: 1/16384 pixel


def displacement_deviation(alpha: float, sigma: float) -> float:
    """Standard deviation in pixels of alpha times uniform noise of [-1, 1] a pixel, smoothed by sigma.

    A Gaussian's squared values sum to 1 / (4 pi sigma²) over the plane; uniform noise has variance 1/3.
    """
    return alpha / math.sqrt(3.0) / (2.0 * math.sqrt(math.pi) * sigma)


def lattice_weights(size: int, sigma: float) -> Tensor:
    """(size, nodes) float64: what each node of the lattice contributes to each pixel of an axis.

    A row's squares sum to 1, so that noise of variance 1 gives displacements of variance 1 at every pixel.
    """
    pixels = torch.arange(size, dtype=torch.float64) - (size - 1) / 2.0
    steps = math.ceil(((size - 1) / 2.0 + _REACH * sigma) / (_SPACING * sigma) - 0.5)
    nodes = (torch.arange(2 * steps, dtype=torch.float64) - steps + 0.5) * (_SPACING * sigma)
    weights = torch.exp(-0.5 * ((pixels[:, None] - nodes) / sigma).square())
    return to_multiples(weights / weights.square().sum(dim=1, keepdim=True).sqrt(), _BITS)


def lattice_noise(
    deviation: float, seed: int, epoch: int, indices: Tensor, rows: int, columns: int
) -> Tensor:
    """(B, 2, rows, columns) float64: displacements along x and y at the lattice's nodes, before smoothing.

    Args:
        deviation: standard deviation of the smoothed displacements, pixels.
    """
    noise = normal(seed, epoch, indices, 2 * rows * columns, stream=ELASTIC_STREAM)
    return to_multiples(noise.double() * deviation, _BITS).reshape(len(indices), 2, rows, columns)
