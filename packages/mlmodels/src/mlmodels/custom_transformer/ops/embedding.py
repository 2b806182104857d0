"""Token embedding: y[b, t] = weight[tokens[b, t]].

B batch, T time, N = B·T, V vocabulary, D features.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Cache(NamedTuple):
    tokens_BT: Tensor
    weight_shape: torch.Size
    weight_dtype: torch.dtype


def forward(tokens_BT: Tensor, weight_VD: Tensor) -> tuple[Tensor, Cache]:
    """Look up one row of `weight_VD` for every token id: y_BTD, in the weight's dtype."""
    y_BTD = weight_VD[tokens_BT]
    return y_BTD, Cache(tokens_BT, weight_VD.shape, weight_VD.dtype)


def backward(dy_BTD: Tensor, cache: Cache) -> Tensor:
    """Return dweight_VD. A token that occurs k times receives the sum of its k gradients."""
    dweight_VD = torch.zeros(cache.weight_shape, dtype=cache.weight_dtype, device=dy_BTD.device)
    dy_ND = dy_BTD.reshape(-1, dy_BTD.shape[-1]).to(cache.weight_dtype)
    dweight_VD.index_add_(0, cache.tokens_BT.reshape(-1), dy_ND)  # y = weight[tokens]
    return dweight_VD
