"""Learned positions: y[b, t] = x[b, t] + weight[start + t] (Radford et al., 2018).

B batch, T time, P longest context, D features.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Cache(NamedTuple):
    start: int
    weight_shape: torch.Size
    weight_dtype: torch.dtype
    x_dtype: torch.dtype


def forward(x_BTD: Tensor, weight_PD: Tensor, start: int = 0) -> tuple[Tensor, Cache]:
    """Add the embedding of positions start … start + T - 1 to every sequence: y_BTD."""
    y_BTD = x_BTD + weight_PD[start : start + x_BTD.shape[1]].to(x_BTD.dtype)
    return y_BTD, Cache(start, weight_PD.shape, weight_PD.dtype, x_BTD.dtype)


def backward(dy_BTD: Tensor, cache: Cache) -> tuple[Tensor, Tensor]:
    """Return dx_BTD and dweight_PD (zero for the positions that were not used)."""
    dx_BTD = dy_BTD.to(cache.x_dtype)  # y = x + weight[start : start + T]
    dweight_PD = torch.zeros(cache.weight_shape, dtype=cache.weight_dtype, device=dy_BTD.device)
    used = slice(cache.start, cache.start + dy_BTD.shape[1])
    dweight_PD[used] = dy_BTD.to(cache.weight_dtype).sum(dim=0)  # y = x + weight[start : start + T]
    return dx_BTD, dweight_PD
