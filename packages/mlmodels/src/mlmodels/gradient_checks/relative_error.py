"""What "relative error" means in every table of this package.

    error = max |a - b| / max(max |b|, floor)      a: gradient under test, b: reference, one whole tensor

It is taken a tensor at a time: an entry that is nearly 0 by chance has no meaningful relative error of its
own.
The floor is a hundredth of the incoming gradient's largest entry: where the true gradient all but vanishes (a
softmax that is nearly one-hot, a LayerNorm over few features), what is left is a difference of large equal
terms, and a ratio to it would measure rounding alone. A shape that differs or a value that is not finite is
an infinite error.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

FLOOR = 1e-2

# Weights and offsets of the eighth-order central difference: error O(h⁸), so that a large h keeps rounding
# small.
_STENCIL = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))
STEP = 5e-4


def relative_error(gradient: Tensor, reference: Tensor, incoming: float = 0.0) -> float:
    """The error of `gradient`, both taken in float64; `incoming` is the largest entry of the incoming
    gradient.
    """
    if gradient.shape != reference.shape:
        return math.inf
    a, b = gradient.detach().double(), reference.detach().double()
    if not a.numel():
        return 0.0
    largest = max(float(b.abs().max()), FLOOR * incoming)
    difference = float((a - b).abs().max())
    if not math.isfinite(difference):
        return math.inf
    return difference / largest if largest > 0.0 else (0.0 if difference == 0.0 else math.inf)


@torch.no_grad()
def difference_error(
    loss: Callable[[], float], tensor: Tensor, gradient: Tensor, signs: Tensor, incoming: float = 0.0
) -> float:
    """Error of `gradient` against the slope of `loss()` when every entry of `tensor` moves by ±h at once.

    `signs` (±1, random) is the direction, so that a wrong entry counts in full and wrong entries cancel in
    few of many cases. `tensor` (float64) is moved in place and put back. Divided as in `relative_error`.
    """
    original = tensor.clone()
    slope = 0.0
    for offset, weight in _STENCIL:
        tensor.copy_(original + offset * STEP * signs)
        above = loss()
        tensor.copy_(original - offset * STEP * signs)
        slope += weight * (above - loss()) / STEP
    tensor.copy_(original)
    expected = float((gradient.double() * signs).sum())
    largest = max(float(gradient.abs().max()), FLOOR * incoming)
    difference = abs(slope - expected)
    if not math.isfinite(difference):
        return math.inf
    return difference / largest if largest > 0.0 else (0.0 if difference == 0.0 else math.inf)
