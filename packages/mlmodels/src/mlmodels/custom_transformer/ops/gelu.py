"""GELU, exact: y = x · Φ(x), Φ the normal distribution function (Hendrycks and Gimpel, 2016).

All tensors have x's shape.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from mlmodels.custom_transformer.precision import wide_dtype


class Cache(NamedTuple):
    x: Tensor


def forward(x: Tensor) -> tuple[Tensor, Cache]:
    """Return y in x's shape and dtype."""
    wide = x.to(wide_dtype(x.dtype))
    phi = 0.5 * (1.0 + torch.erf(wide / math.sqrt(2.0)))
    return (wide * phi).to(x.dtype), Cache(x)


def backward(dy: Tensor, cache: Cache) -> Tensor:
    """Return dx."""
    x = cache.x.to(wide_dtype(cache.x.dtype))
    phi = 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))
    density = torch.exp(-0.5 * x.square()) / math.sqrt(
        2.0 * math.pi
    )  # phi = Φ(x), whose slope is the density
    dx = dy.to(x.dtype) * (phi + x * density)  # y = x * phi
    return dx.to(cache.x.dtype)
