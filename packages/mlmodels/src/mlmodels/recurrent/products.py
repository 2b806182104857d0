"""The matrix products of the fast path, into memory that is already there: torch's, or our own where that is faster.

M rows, K summed over, N columns. Any operand may be a transposed view.
"""

from functools import cache

import torch
from torch import Tensor

from mlmodels.native import NativeUnavailableError, products

# Ours packs its operands first: with 8 or 32 rows (384 summed over, 1536 columns) that took up to 2.4 times torch's
# whole product, from 128 rows on it is the faster one.
_LEAST_SIDE = 128


def multiply(a_MK: Tensor, b_KN: Tensor, out_MN: Tensor) -> Tensor:
    """out = a·b."""
    if _is_for_us(a_MK, b_KN):
        products.multiply(a_MK, b_KN, out_MN)
        return out_MN
    return torch.mm(a_MK, b_KN, out=out_MN)


def add_product(a_MK: Tensor, b_KN: Tensor, out_MN: Tensor) -> Tensor:
    """out = out + a·b."""
    if _is_for_us(a_MK, b_KN):
        products.multiply(a_MK, b_KN, out_MN, add=True)
        return out_MN
    return torch.addmm(out_MN, a_MK, b_KN, out=out_MN)


def _is_for_us(a_MK: Tensor, b_KN: Tensor) -> bool:
    return min(*a_MK.shape, b_KN.shape[1]) >= _LEAST_SIDE and _is_worthwhile(a_MK.dtype)


@cache
def _is_worthwhile(dtype: torch.dtype) -> bool:
    if not products.is_worthwhile(dtype):
        return False
    try:  # the library is compiled by its first product
        products.multiply(*(torch.zeros(1, 1, dtype=dtype) for _ in range(3)))
    except NativeUnavailableError:
        return False
    return True
