"""LayerNorm over the last dimension: y = (x - mean) / sqrt(var + ε) · weight + bias (Ba, Kiros, Hinton,
2016).

D features, N all leading dimensions together, 1 a kept dimension of length one.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mlmodels.custom_transformer.precision import wide_dtype


class Cache(NamedTuple):
    normed: Tensor
    inverse_deviation: Tensor
    weight_D: Tensor | None
    has_bias: bool
    x_dtype: torch.dtype


def forward(
    x: Tensor, weight_D: Tensor | None = None, bias_D: Tensor | None = None, epsilon: float = 1e-5
) -> tuple[Tensor, Cache]:
    """Return y in x's shape and dtype; statistics are float32 or wider. No weight, no bias: not affine."""
    wide = x.to(wide_dtype(x.dtype))
    centred = wide - wide.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)
    inverse_deviation = torch.rsqrt(variance + epsilon)
    normed = centred * inverse_deviation
    y = normed if weight_D is None else normed * weight_D
    y = y if bias_D is None else y + bias_D
    return y.to(x.dtype), Cache(normed, inverse_deviation, weight_D, bias_D is not None, x.dtype)


def backward(dy: Tensor, cache: Cache) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Return dx in x's dtype, dweight_D and dbias_D in the wide dtype (None for what forward was not
    given).
    """
    normed, weight_D = cache.normed, cache.weight_D
    dy = dy.to(normed.dtype)
    dy_ND = dy.reshape(-1, dy.shape[-1])
    normed_ND = normed.reshape(dy_ND.shape)
    dbias_D = dy_ND.sum(dim=0) if cache.has_bias else None  # y = normed * weight + bias
    dweight_D = None if weight_D is None else (dy_ND * normed_ND).sum(dim=0)  # y = normed * weight + bias
    dnormed = dy if weight_D is None else dy * weight_D  # y = normed * weight + bias
    # normed = (x - mean) * inverse_deviation: x acts directly, through its mean, and through its variance.
    through_mean = dnormed.mean(dim=-1, keepdim=True)  # centred = x - mean(x)
    through_variance = normed * (dnormed * normed).mean(dim=-1, keepdim=True)  # variance = mean(centred²)
    dx = (dnormed - through_mean - through_variance) * cache.inverse_deviation  # normed = centred / deviation
    return dx.to(cache.x_dtype), dweight_D, dbias_D
