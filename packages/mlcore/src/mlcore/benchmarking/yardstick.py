"""The yardstick: how fast this device multiplies matrices of one dtype, measured like any other variant."""

import math
import time
from collections.abc import Callable

import torch

from mlcore.benchmarking.workload import Workload

SIZE_ON_CPU, SIZE_ON_ACCELERATOR = 2048, 8192
_PROBE_SIZE = 256
_LONGEST_PRODUCT_S = 3.0
_SHORTEST_STEP_S = 0.02  # shorter ones would show the clock and the launch more than the product


class TooSlowError(Exception):
    """This device has no fast product of this dtype."""


def matrix_product(dtype: str, device: str, size: int | None = None) -> Workload:
    """A square product into a buffer that is there already, repeated until a step is long enough for the clock.

    Raises:
        TooSlowError: a small product shows that the large one would take seconds, as emulated dtypes do.
    """
    place, kind = torch.device(device), getattr(torch, dtype)
    size = size or (SIZE_ON_CPU if place.type == "cpu" else SIZE_ON_ACCELERATOR)
    expected_s = _seconds(_product(min(size, _PROBE_SIZE), kind, place), place)
    expected_s *= (size / min(size, _PROBE_SIZE)) ** 3
    if place.type == "cpu" and expected_s > _LONGEST_PRODUCT_S:
        raise TooSlowError(f"a product of {size:,}² in {dtype} would take about {expected_s:.0f} s here")
    product = _product(size, kind, place)
    repeats = max(1, math.ceil(_SHORTEST_STEP_S / max(1e-9, _seconds(product, place))))

    def step() -> None:
        for _ in range(repeats):
            product()

    flops = 2.0 * size**3 * repeats
    facts = {"size": size, "products_per_step": repeats}
    return Workload(step, repeats, flops, dtype=dtype, device=device, facts=facts)


def _product(size: int, dtype: torch.dtype, device: torch.device) -> Callable[[], object]:
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(size, size, generator=generator).to(device, dtype)
    result = torch.empty_like(a)
    return lambda: torch.matmul(a, a, out=result)


def _seconds(product: Callable[[], object], device: torch.device) -> float:
    """Of one product, after one that sets things up."""
    times = []
    for _ in range(2):
        began = time.perf_counter()
        product()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        elif device.type == "mps":
            torch.mps.synchronize()
        times.append(time.perf_counter() - began)
    return times[-1]
