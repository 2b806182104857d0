"""Linear map: y = x weightᵀ + bias, multiplied in a compute dtype of its own.

I inputs, O outputs, N all leading dimensions of x together.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mlmodels.custom_transformer.precision import wide_dtype


class Cache(NamedTuple):
    x_NI: Tensor
    weight_OI: Tensor
    x_shape: torch.Size
    x_dtype: torch.dtype
    weight_dtype: torch.dtype
    bias_dtype: torch.dtype | None


def forward(
    x: Tensor, weight_OI: Tensor, bias_O: Tensor | None = None, dtype: torch.dtype | None = None
) -> tuple[Tensor, Cache]:
    """Return y, of x's leading shape with O features, in `dtype` (None: x's dtype).

    The product accumulates in float32 inside the kernel, whatever `dtype` is; only its inputs and its result
    are rounded.
    """
    dtype = x.dtype if dtype is None else dtype
    x_NI, w_OI = x.reshape(-1, x.shape[-1]).to(dtype), weight_OI.to(dtype)
    y_NO = x_NI @ w_OI.T if bias_O is None else torch.addmm(bias_O.to(dtype), x_NI, w_OI.T)
    bias_dtype = None if bias_O is None else bias_O.dtype
    cache = Cache(x_NI, w_OI, x.shape, x.dtype, weight_OI.dtype, bias_dtype)
    return y_NO.reshape(*x.shape[:-1], -1), cache


def backward(dy: Tensor, cache: Cache) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return dx in x's dtype, dweight_OI in the weight's, and dbias_O in the bias's (None without a bias)."""
    dy_NO = dy.reshape(-1, dy.shape[-1])
    d_NO = dy_NO.to(cache.x_NI.dtype)
    dx = (d_NO @ cache.weight_OI).reshape(cache.x_shape).to(cache.x_dtype)  # y = x @ weight.T + bias
    dweight_OI = (d_NO.T @ cache.x_NI).to(cache.weight_dtype)  # y = x @ weight.T + bias
    if cache.bias_dtype is None:
        return dx, dweight_OI, None
    dbias_O = dy_NO.sum(dim=0, dtype=wide_dtype(dy.dtype)).to(cache.bias_dtype)  # y = x @ weight.T + bias
    return dx, dweight_OI, dbias_O
