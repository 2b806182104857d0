"""How fast the device multiplies matrices: information, never a failure."""

import time
from typing import TYPE_CHECKING

from mlcore.doctor.check_result import CheckResult

if TYPE_CHECKING:
    import torch


def measure_matmul_rate(size: int = 512, seconds: float = 0.3) -> CheckResult:
    """float32 matrix products of ``size`` x ``size`` on the best device for about ``seconds``."""
    import torch

    from mlcore.device import get_best_device

    device = get_best_device()
    size = size if device.type == "cpu" else 8 * size
    a = torch.randn(size, size, device=device)
    product = a @ a  # the first one sets things up
    _wait_for(device)
    count = 0
    start = time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        torch.matmul(a, a, out=product)
        count += 1
        _wait_for(device)
    rate = count * 2 * size**3 / elapsed
    return CheckResult("matmul rate", "note", f"{rate / 1e9:,.0f} GFLOP/s, float32, {size}x{size}, {device}")


def _wait_for(device: "torch.device") -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
