"""Softmax over the last dimension: y = exp(x) / Σ exp(x). Entries of -inf get probability 0 exactly.

All tensors have x's shape; 1 marks a kept dimension of length one.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mlmodels.custom_transformer.precision import wide_dtype


class Cache(NamedTuple):
    y: Tensor
    x_dtype: torch.dtype


def forward(x: Tensor) -> tuple[Tensor, Cache]:
    """Return y in x's shape and dtype; at least one entry of every row must be above -inf."""
    wide = x.to(wide_dtype(x.dtype))
    exponential = torch.exp(wide - wide.amax(dim=-1, keepdim=True))
    y = exponential / exponential.sum(dim=-1, keepdim=True)
    return y.to(x.dtype), Cache(y, x.dtype)


def backward(dy: Tensor, cache: Cache) -> Tensor:
    """Return dx."""
    dy = dy.to(cache.y.dtype)
    through_sum = (dy * cache.y).sum(dim=-1, keepdim=True)  # y = exponential / sum(exponential): the divisor
    dx = cache.y * (dy - through_sum)  # y = exponential / sum(exponential): the dividend, exp' = exp
    return dx.to(cache.x_dtype)
