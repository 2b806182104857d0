"""The activation inside the feed-forward network, exact GELU (y = x · Φ(x)) or ReLU, number by number.

Any shape: the arrays are read as one vector, 1,024 numbers a program, which needs no registers beyond its own.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from mlmodels.custom_transformer.fast.triton.options import OPTIONS
from mlmodels.custom_transformer.fast.triton.wide import to_wide

NUMBERS = 1024
_ROOT_HALF = tl.constexpr(0.7071067811865476)
_INVERSE_ROOT_2_PI = tl.constexpr(0.3989422804014327)


@triton.jit  # type: ignore[untyped-decorator]
def _activation(
    x: tl.tensor,
    y: tl.tensor,
    slope: tl.tensor,
    count: tl.tensor,
    IS_GELU: tl.constexpr,
    NUMBERS: tl.constexpr,
) -> None:
    """y = f(x), and slope = f'(x) where it is asked for.

    Forward moves one number in and one out. With the slope, which may lie over x, one in and two out: the gradient of
    the next weight needs y again, and the chain rule is then one multiplication, which is fused with the bias's sum.
    """
    places = tl.program_id(0).to(tl.int64) * NUMBERS + tl.arange(0, NUMBERS)
    inside = places < count
    values = to_wide(tl.load(x + places, mask=inside, other=0.0))
    if IS_GELU:
        # Φ(x) by erf alone; below -5.5 the sum is 0 in float32, as torch's own GELU on a GPU has it.
        phi = 0.5 * (1.0 + tl.erf(values * _ROOT_HALF))
        tl.store(y + places, (values * phi).to(y.dtype.element_ty), mask=inside)
        if slope is not None:
            density = tl.exp(-0.5 * values * values) * _INVERSE_ROOT_2_PI
            tl.store(slope + places, (phi + values * density).to(slope.dtype.element_ty), mask=inside)
    else:
        # "< 0" instead of "> 0": what is not a number stays so
        tl.store(y + places, tl.where(values < 0.0, 0.0, values).to(y.dtype.element_ty), mask=inside)
        if slope is not None:
            ones = tl.where(values > 0.0, 1.0, 0.0)
            tl.store(slope + places, ones.to(slope.dtype.element_ty), mask=inside)


def activation(x: Tensor, y: Tensor, slope: Tensor | None, kind: str) -> None:
    """y = activation(x), "gelu" or "relu", and its slope, which may be x itself; all contiguous, of one dtype."""
    assert x.is_contiguous(), f"strides {x.stride()} of {tuple(x.shape)}"
    assert y.is_contiguous(), f"strides {y.stride()} of {tuple(y.shape)}"
    with torch.cuda.device_of(x):
        _activation[(triton.cdiv(x.numel(), NUMBERS),)](
            x, y, slope, x.numel(), IS_GELU=kind == "gelu", NUMBERS=NUMBERS, num_warps=4, **OPTIONS
        )
