"""Rounding that makes sums of products exact, so that no order of summation can change them.

Matrix products add in an order that depends on their shapes, on the number of threads and on the library, and
the last bits of their results with it. If all factors are multiples of a power of two, and the sums need no
more than float64's 53 bits, nothing is ever rounded: an image's coordinates are then the same, to the bit, in
any batch.
"""

from torch import Tensor


def to_multiples(values: Tensor, bits: int) -> Tensor:
    """`values` (float64) rounded to the nearest multiples of 2**-bits."""
    return (values * 2.0**bits).round_().mul_(2.0**-bits)
