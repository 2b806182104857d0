"""Matrix products of our own, for processors on which torch's library leaves speed unused.

M rows, N columns, K summed over.
"""

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mlmodels.native.compiler import instruction_set
from mlmodels.native.library import load_library

_SOURCE = Path(__file__).with_name("products.cpp")
_NAMES = {torch.float32: "product_f32", torch.float64: "product_f64"}


def is_worthwhile(dtype: torch.dtype) -> bool:
    """Whether `multiply` is the faster way to a product of large matrices on this processor.

    Decided by the processor alone, so that a run has the same bits every time. On an AMD EPYC (Zen 3) torch's MKL
    reaches 70 to 75 % of what a core can do in float32, this kernel 85 to 90 %; on Intel's own processors MKL is at
    home. bfloat16 always goes to torch: its library knows the matrix instructions.
    """
    return dtype in _NAMES and "GenuineIntel" not in instruction_set()


def multiply(
    a_MK: Tensor, b_KN: Tensor, out_MN: Tensor, *, bias_N: Tensor | None = None, add: bool = False
) -> None:
    """out = a b (+ bias), or out += a b (+ bias), in float32 or float64 on the CPU.

    `a` and `b` may lie in any strides, a transposed one included; the rows of `out` are contiguous. Sums over K run in
    one order whatever the number of threads. Raises NativeUnavailableError where there is no compiled library.
    """
    assert out_MN.stride(1) == 1, f"strides {out_MN.stride()} of the result"
    assert out_MN.shape == (a_MK.shape[0], b_KN.shape[1]), f"{a_MK.shape} x {b_KN.shape} into {out_MN.shape}"
    _function(a_MK.dtype)(
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
def _function(dtype: torch.dtype) -> Any:
    function = load_library(_SOURCE)[_NAMES[dtype]]
    pointer, integer, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_long
    matrix: list[Any] = [pointer, size, size]
    function.argtypes = [*matrix, *matrix, pointer, size, size, size, size, integer, pointer, integer]
    function.restype = None
    return function
