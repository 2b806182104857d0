"""Residual connection: y = stream + branch (He et al., 2015).

All tensors have the stream's shape.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Cache(NamedTuple):
    stream_dtype: torch.dtype
    branch_dtype: torch.dtype


def forward(stream: Tensor, branch: Tensor) -> tuple[Tensor, Cache]:
    """Return y in the stream's dtype, which is the wide one in the model."""
    y = stream + branch.to(stream.dtype)
    return y, Cache(stream.dtype, branch.dtype)


def backward(dy: Tensor, cache: Cache) -> tuple[Tensor, Tensor]:
    """Return dstream and dbranch: the gradient flows down both."""
    return dy.to(cache.stream_dtype), dy.to(cache.branch_dtype)  # y = stream + branch
