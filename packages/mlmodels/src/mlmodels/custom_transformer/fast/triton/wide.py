"""The dtype that kernels compute in."""

import triton
import triton.language as tl


@triton.jit  # type: ignore[untyped-decorator]
def to_wide(values: tl.tensor) -> tl.tensor:
    """As `precision.wide_dtype` has it: float64 stays float64, everything narrower becomes float32."""
    return values.to(tl.float64 if values.dtype == tl.float64 else tl.float32)
