"""Dropout: y = x · mask / (1 - p), the mask drawn with probability 1 - p (Srivastava et al., 2014).

All tensors have x's shape.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Cache(NamedTuple):
    mask: Tensor | None
    scale: float


def forward(x: Tensor, probability: float, generator: torch.Generator | None = None) -> tuple[Tensor, Cache]:
    """Return y in x's shape and dtype. Probability 0 returns x itself and draws nothing.

    `generator` None draws from torch's global generator of x's device, whose state a trainer saves.
    """
    if probability == 0.0:
        return x, Cache(None, 1.0)
    mask = torch.rand(x.shape, generator=generator, device=x.device) >= probability
    scale = 1.0 / (1.0 - probability)
    return x * mask * scale, Cache(mask, scale)


def backward(dy: Tensor, cache: Cache) -> Tensor:
    """Return dx: the same mask, the same scale."""
    if cache.mask is None:
        return dy  # y = x
    return dy * cache.mask * cache.scale  # y = x * mask * scale
