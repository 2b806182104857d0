"""Matrix products of our own, for processors on which torch's library leaves speed unused.

M rows, N columns, K summed over.
"""

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mlmodels.native.library import NativeUnavailableError, load_library

_SOURCE = Path(__file__).with_name("products.cpp")
_NAMES = {
    (torch.float32, torch.float32): "product_f32",
    (torch.float64, torch.float64): "product_f64",
    (torch.bfloat16, torch.bfloat16): "product_bf16",
    (torch.bfloat16, torch.float32): "product_bf16_to_f32",
}


def is_worthwhile(dtype: torch.dtype) -> bool:
    """Whether `multiply` is the faster way to a product of large matrices on this processor.

    The same answer everywhere, so that a run has the same bits every time. On an AMD EPYC (Zen 3) torch's MKL reaches
    70 to 75 % of what a core can do in float32, this kernel 85 to 90 %; on a Xeon of the fourth generation both take as
    long. In bfloat16 torch's library knows the matrix instructions; which products are ours, `has_tiles` tells.
    """
    return dtype in (torch.float32, torch.float64)


@cache
def is_compiled() -> bool:
    """Whether there is a library; compiled now if need be, and asked once, for a compiler that fails takes its time."""
    try:
        load_library(_SOURCE)
    except NativeUnavailableError:
        return False
    return True


@cache
def has_tiles() -> bool:
    """Whether `multiply` takes bfloat16: the processor has tile registers (AMX) and the system lets us use them.

    On a Xeon of the fourth generation, one thread, 256 to 768 summed over: into bfloat16 torch's library is the faster
    one (by 1.1 to 1.4); into float32, which it rounds before, and with very many columns, ours (by up to 2).
    """
    return is_compiled() and bool(load_library(_SOURCE)["has_tiles"]())


def multiply(
    a_MK: Tensor, b_KN: Tensor, out_MN: Tensor, *, bias_N: Tensor | None = None, add: bool = False
) -> None:
    """out = a b (+ bias), or out += a b (+ bias), on the CPU: in float32, in float64, or (`has_tiles`) of bfloat16
    into bfloat16 or float32, with a float32 bias.

    `a` and `b` may be transposed views; the rows of `out` are contiguous. Sums over K run in one order whatever the
    number of threads. Raises NativeUnavailableError where there is no compiled library.
    """
    assert out_MN.stride(1) == 1, f"strides {out_MN.stride()} of the result"
    assert out_MN.shape == (a_MK.shape[0], b_KN.shape[1]), f"{a_MK.shape} x {b_KN.shape} into {out_MN.shape}"
    _function(a_MK.dtype, out_MN.dtype)(
        a_MK.data_ptr(),
        *a_MK.stride(),
        b_KN.data_ptr(),
        *b_KN.stride(),
        out_MN.data_ptr(),
        out_MN.stride(0),
        *out_MN.shape,
        a_MK.shape[1],
        int(add),
        None if bias_N is None else bias_N.data_ptr(),
        torch.get_num_threads(),
    )


@cache
def _function(dtype: torch.dtype, out_dtype: torch.dtype) -> Any:
    function = load_library(_SOURCE)[_NAMES[dtype, out_dtype]]
    pointer, integer, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_long
    matrix: list[Any] = [pointer, size, size]
    function.argtypes = [*matrix, *matrix, pointer, size, size, size, size, integer, pointer, integer]
    function.restype = None
    return function
