"""The matrix products of the fast path, into memory that is already there: torch's, or our own where that is faster.

M rows, K summed over, N columns. Any operand may be a transposed view.
"""

import torch
from torch import Tensor

from mlmodels.native import products

# Ours packs its operands first: with 8 or 32 rows (384 summed over, 1536 columns) that took up to 2.4 times torch's
# whole product, from 128 rows on it is the faster one.
_LEAST_SIDE = 128
_ROWS_A_PIECE = 512


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


def sum_of_outer_products(a_NM: Tensor, b_NK: Tensor, out_MK: Tensor) -> Tensor:
    """out = aᵀ·b, over the rows of all steps: the gradient of a weight.

    A long sum in float32 goes piece by piece through torch, whose library walks through both operands again for every
    block of the result and is up to twice as slow where they do not fit into the cache. Pieces in bfloat16 would each
    be rounded.
    """
    if _is_for_us(a_NM.T, b_NK) or (a_NM.dtype == torch.bfloat16 and products.has_tiles()):
        products.multiply(a_NM.T, b_NK, out_MK)
        return out_MK
    if out_MK.dtype == torch.bfloat16:
        return torch.mm(a_NM.T, b_NK, out=out_MK)
    pieces = zip(a_NM.split(_ROWS_A_PIECE), b_NK.split(_ROWS_A_PIECE), strict=True)
    torch.mm(*_transposed_first(next(pieces)), out=out_MK)
    for piece in pieces:
        torch.addmm(out_MK, *_transposed_first(piece), out=out_MK)
    return out_MK


def _transposed_first(pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return pair[0].T, pair[1]


def _is_for_us(a_MK: Tensor, b_KN: Tensor) -> bool:
    least = min(*a_MK.shape, b_KN.shape[1])
    return least >= _LEAST_SIDE and products.is_worthwhile(a_MK.dtype) and products.is_compiled()
